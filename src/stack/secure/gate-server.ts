import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { loopback } from '../ports.ts'
import { readStackState } from '../state.ts'
import { passwordOf, type SecureFiles, secureFiles, type UserName } from './files.ts'
import { signToken } from './token.ts'
import { answerTokenRequest, basicCredentials, sameText } from './token-endpoint.ts'

/** Paths of the gate. */
export const tokenPath = '/token'
const healthPath = '/health'
/** Seconds that a token of the stack is valid. */
const tokenLifetime = 300
const allowedUsers: readonly UserName[] = ['admin', 'etl']

/**
 * The HTTPS server of a secured stack: a token endpoint for OAUTHBEARER, and the registry behind TLS and basic
 * authentication, which Apicurio itself can only do with an OpenID Connect server.
 */
export async function startGate(dir: string, port: number): Promise<Server> {
  const files = secureFiles(dir)
  const server = createServer(
    { cert: readFileSync(files.serverCert), key: readFileSync(files.serverKey) },
    (request, response) => void serve(dir, files, request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: loopback, port }, resolve)
  })
  return server
}

async function serve(
  dir: string,
  files: SecureFiles,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url?.split('?')[0]
  if (path === healthPath) return end(response, 200, 'ok')
  if (path === tokenPath) return answerTokenRequest(request, response, tokenOptions(files))
  const credentials = basicCredentials(request)
  const user = allowedUsers.find((name) => name === credentials?.user)
  if (!credentials || !user || !sameText(passwordOf(files, user), credentials.password)) {
    response.setHeader('www-authenticate', 'Basic realm="registry"')
    return end(response, 401, 'user name and password, please')
  }
  forward(readStackState(dir)?.services.registry?.port, request, response)
}

function tokenOptions(files: SecureFiles) {
  const key = createPrivateKey(readFileSync(files.tokenKey, 'utf8'))
  return {
    secretOf: (id: string) => (id in files.users ? passwordOf(files, id as UserName) : undefined),
    issue: (subject: string) => ({
      token: signToken(key, { subject, lifetime: tokenLifetime }),
      lifetime: tokenLifetime,
    }),
  }
}

/** To Apicurio, which listens without TLS on another port of this machine. */
function forward(port: number | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (port === undefined) {
    end(response, 503, 'the registry of this stack does not run')
    return
  }
  const { authorization: _, ...headers } = request.headers
  const onward = httpRequest(
    { host: loopback, port, method: request.method, path: request.url, headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    },
  )
  onward.on('error', (err) => end(response, 502, `the registry does not answer: ${err.message}`))
  request.pipe(onward)
}

function end(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { 'content-type': 'text/plain' })
  response.end(`${text}\n`)
}
