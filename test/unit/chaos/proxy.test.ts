import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FaultProxy } from '../../../src/chaos/proxy.ts'

/** A server that answers every piece with the same in capitals, and what it has heard. */
async function shouter(t: TestContext) {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => {
      heard.push(bytes.toString('latin1'))
      socket.write(bytes.toString('latin1').toUpperCase())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, heard, sockets }
}

async function behindProxy(t: TestContext, protocol?: 'mysql') {
  const server = await shouter(t)
  const sql = protocol && { protocol, table: 'flights' }
  const proxy = new FaultProxy({ host: '127.0.0.1', port: server.port, sql })
  const port = await proxy.listen()
  t.after(() => proxy.close())
  return { server, proxy, port }
}

/** A connected client, what it hears, and how it ends. */
async function client(t: TestContext, port: number) {
  const socket = connect({ host: '127.0.0.1', port })
  const closed = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    socket.on('close', () => resolve('closed'))
  })
  t.after(() => socket.destroy())
  await Promise.race([once(socket, 'connect'), closed])
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
  })
  const ask = async (question: string | Buffer) => {
    const before = text.length
    socket.write(question)
    while (text.length === before) await once(socket, 'data')
    return text.slice(before)
  }
  return { socket, closed, ask, heard: () => text }
}

const commit = Buffer.concat([Buffer.from([7, 0, 0, 0, 3]), Buffer.from('COMMIT')])
const never = AbortSignal.timeout(60_000)

suite('the proxy between etl and a server', () => {
  test('passes bytes on, both ways, however many, and the goodbyes of both', async (t) => {
    const { port, server } = await behindProxy(t)
    const one = await client(t, port)
    assert.equal(await one.ask('hello'), 'HELLO')
    const large = 'x'.repeat(5_000_000)
    one.socket.write(large)
    while (one.heard().length < large.length + 5) await once(one.socket, 'data')
    assert.equal(one.heard(), `HELLO${large.toUpperCase()}`)
    one.socket.end()
    assert.equal(await one.closed, 'closed')
    const two = await client(t, port)
    await two.ask('a')
    for (const socket of server.sockets) socket.end('bye')
    assert.equal(await two.closed, 'closed')
    assert.equal(two.heard(), 'Abye')
  })

  test('cuts a share of the connections', async (t) => {
    const { port, proxy } = await behindProxy(t)
    const clients = await Promise.all(Array.from({ length: 4 }, () => client(t, port)))
    for (const { ask } of clients) await ask('a')
    assert.equal(proxy.cut(50), 2)
    assert.equal(await Promise.race(clients.map(({ closed }) => closed)), 'ECONNRESET')
    const open = clients.filter(({ socket }) => !socket.destroyed)
    await sleep(20)
    assert.equal(open.filter(({ socket }) => !socket.destroyed).length, 2)
  })

  test('delays both directions and keeps the order', async (t) => {
    const { port, proxy } = await behindProxy(t)
    const { ask, socket, heard } = await client(t, port)
    await ask('0')
    proxy.delay(50)
    const begin = performance.now()
    for (const piece of ['a', 'b', 'c']) {
      socket.write(piece)
      await sleep(5)
    }
    proxy.delay(0)
    socket.write('d')
    while (heard().length < 5) await once(socket, 'data')
    assert.equal(heard(), '0ABCD')
    assert.ok(performance.now() - begin >= 50)
  })

  test('a black hole swallows everything and resets at its end what lost bytes', async (t) => {
    const { port, proxy, server } = await behindProxy(t)
    const [quiet, talking] = [await client(t, port), await client(t, port)]
    await quiet.ask('q')
    await talking.ask('t')
    proxy.blackHole(true)
    const fresh = await client(t, port)
    fresh.socket.write('fresh')
    talking.socket.write('lost')
    await sleep(30)
    assert.deepEqual(server.heard, ['q', 't'])
    assert.equal(talking.socket.destroyed, false)
    proxy.blackHole(false)
    assert.equal(await talking.closed, 'ECONNRESET')
    assert.equal(await fresh.closed, 'ECONNRESET')
    assert.equal(await quiet.ask('still here'), 'STILL HERE')
  })

  test('half open: the server sees the end, the client does not, new connections work', async (t) => {
    const { port, proxy, server } = await behindProxy(t)
    const old = await client(t, port)
    await old.ask('a')
    const [socket] = server.sockets
    const gone = once(socket as Socket, 'close')
    const half = proxy.halfOpen()
    await gone
    old.socket.write('anybody?')
    const fresh = await client(t, port)
    assert.equal(await fresh.ask('new'), 'NEW')
    assert.equal(old.socket.destroyed, false)
    half.end()
    assert.equal(await old.closed, 'ECONNRESET')
  })

  test('refuses connections until it accepts them again, on the same port', async (t) => {
    const { port, proxy } = await behindProxy(t)
    const old = await client(t, port)
    await old.ask('a')
    await proxy.refuse()
    assert.equal(await old.closed, 'ECONNRESET')
    assert.equal(await (await client(t, port)).closed, 'ECONNREFUSED')
    await proxy.accept()
    assert.equal(await (await client(t, port)).ask('b'), 'B')
  })

  test('loses one answer, and the connection with it', async (t) => {
    const { port, proxy, server } = await behindProxy(t)
    const one = await client(t, port)
    await one.ask('a')
    const struck = proxy.loseReply(never)
    one.socket.write('heard by the server')
    assert.equal(await struck, true)
    assert.equal(await one.closed, 'ECONNRESET')
    assert.deepEqual(server.heard, ['a', 'heard by the server'])
    assert.equal(await (await client(t, port)).ask('c'), 'C')
  })

  test('gives up waiting for an answer', async (t) => {
    const { proxy, port } = await behindProxy(t)
    assert.equal(await proxy.loseReply(AbortSignal.timeout(10)), false)
    assert.equal(await (await client(t, port)).ask('a'), 'A')
  })

  test('COMMIT that the server never gets', async (t) => {
    const { proxy, port, server } = await behindProxy(t, 'mysql')
    const one = await client(t, port)
    const struck = proxy.loseCommit({ kind: 'unsent' }, never)
    one.socket.write(commit)
    assert.equal(await struck, true)
    assert.equal(await one.closed, 'ECONNRESET')
    assert.deepEqual(server.heard, [])
  })

  test('COMMIT that is done and not answered', async (t) => {
    const { proxy, port, server } = await behindProxy(t, 'mysql')
    const one = await client(t, port)
    const struck = proxy.loseCommit({ kind: 'unanswered' }, never)
    one.socket.write(commit)
    assert.equal(await struck, true)
    assert.equal(await one.closed, 'ECONNRESET')
    assert.equal(one.heard(), '')
    assert.deepEqual(server.heard, [commit.toString('latin1')])
  })

  test('COMMIT that comes when its client is long gone', async (t) => {
    const { proxy, port, server } = await behindProxy(t, 'mysql')
    const one = await client(t, port)
    const struck = proxy.loseCommit({ kind: 'late', by: 40 }, never)
    one.socket.write(commit)
    assert.equal(await struck, true)
    assert.equal(await one.closed, 'ECONNRESET')
    assert.deepEqual(server.heard, [])
    while (server.heard.length === 0) await sleep(5)
    assert.deepEqual(server.heard, [commit.toString('latin1')])
  })
})
