import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type SqlProtocol, TransactionScanner } from '../../../src/chaos/transaction-scanner.ts'

const startup = (() => {
  const body = Buffer.from('\0\x03\0\0user\0etl\0database\0etl\0\0', 'latin1')
  return Buffer.concat([int32(body.length + 4), body])
})()
const sslRequest = Buffer.concat([int32(8), int32(80_877_103)])

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function pgMessage(type: string, body: string): Buffer {
  const bytes = Buffer.from(body, 'utf8')
  return Buffer.concat([Buffer.from(type), int32(bytes.length + 4), bytes])
}

function mysqlPacket(command: number, text: string): Buffer {
  const body = Buffer.concat([Buffer.from([command]), Buffer.from(text, 'utf8')])
  const header = Buffer.alloc(4)
  header.writeUIntLE(body.length, 0, 3)
  return Buffer.concat([header, body])
}

const query = (protocol: SqlProtocol, text: string) =>
  protocol === 'postgres' ? pgMessage('Q', `${text}\0`) : mysqlPacket(3, text)

function started(protocol: SqlProtocol): TransactionScanner {
  const scanner = new TransactionScanner(protocol, 'flights')
  if (protocol === 'postgres') assert.equal(scanner.scan(startup).commitAt, -1)
  return scanner
}

for (const protocol of ['postgres', 'mysql'] as const) {
  suite(`COMMIT in what a ${protocol} client sends`, () => {
    const finds = (text: string) => started(protocol).scan(query(protocol, text)).commitAt

    test('is found as a statement of its own, whatever its form', () => {
      for (const text of ['COMMIT', 'commit;', ' COMMIT ; ', 'UPDATE t SET a = 1; COMMIT'])
        assert.equal(finds(text), 0, text)
    })

    test('is not seen in other statements', () => {
      const others = [
        'BEGIN ISOLATION LEVEL READ COMMITTED',
        "INSERT INTO t VALUES ('COMMIT')",
        'SELECT 1 -- COMMIT now',
        'ROLLBACK',
        'UNCOMMIT',
      ]
      for (const text of others) assert.equal(finds(text), -1, text)
    })

    test('and so are rows for the table', () => {
      const writes = (text: string) => started(protocol).scan(query(protocol, text)).writes
      const rows = 'x'.repeat(500)
      for (const text of [`INSERT INTO "flights" (a) VALUES ('${rows}')`, 'insert into flights VALUES (1)'])
        assert.equal(writes(text), true, text)
      for (const text of ['SELECT * FROM flights', 'INSERT INTO etl_ledger VALUES (1)', 'COMMIT'])
        assert.equal(writes(text), false, text)
    })

    test('is found behind other messages of the same piece', () => {
      const before = query(protocol, 'INSERT INTO t VALUES (1)')
      const piece = Buffer.concat([before, query(protocol, 'COMMIT'), query(protocol, 'SELECT 1')])
      assert.equal(started(protocol).scan(piece).commitAt, before.length)
    })

    test('is found in however many pieces the bytes come, once for each COMMIT', () => {
      const texts = ['BEGIN', `INSERT INTO t VALUES ('${'x'.repeat(300)}')`, 'COMMIT', 'SELECT 1', 'COMMIT']
      const bytes = Buffer.concat(texts.map((text) => query(protocol, text)))
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 30 }), (cuts) => {
          const scanner = started(protocol)
          const at = [0, ...[...new Set(cuts)].sort((a, b) => a - b), bytes.length]
          const found = at.slice(1).filter((end, i) => scanner.scan(bytes.subarray(at[i], end)).commitAt >= 0)
          assert.ok(found.length === 1 || found.length === 2, `${found.length} pieces with a COMMIT`)
          assert.equal(scanner.scan(query(protocol, 'COMMIT')).commitAt, 0, 'the frames are still in step')
        }),
      )
    })
  })
}

test('a PostgreSQL client that asks for TLS first and is refused', () => {
  const scanner = new TransactionScanner('postgres', 'flights')
  assert.equal(scanner.scan(sslRequest).commitAt, -1)
  assert.equal(scanner.scan(startup).commitAt, -1)
  assert.equal(scanner.scan(query('postgres', 'COMMIT')).commitAt, 0)
})

test('COMMIT in the extended protocol', () => {
  assert.equal(started('postgres').scan(pgMessage('P', '\0COMMIT\0\0\0')).commitAt, 0)
  assert.equal(started('postgres').scan(pgMessage('P', 'name\0SELECT 1\0\0\0')).commitAt, -1)
})

test('a MySQL command that is no query', () => {
  assert.equal(started('mysql').scan(mysqlPacket(2, 'COMMIT')).commitAt, -1)
})
