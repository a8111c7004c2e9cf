import { after, before } from 'node:test'
import { describeAcls } from './secure/acls.ts'
import { describeJobs } from './secure/jobs.ts'
import { describeLogins } from './secure/logins.ts'
import { describeShape } from './secure/shape.ts'
import { SecureStack } from './secure/stack.ts'
import { describeTls } from './secure/tls.ts'

/** One secured stack for everything that needs one: it takes longer to start than most of these tests. */
const stack = new SecureStack()

before(() =>
  stack.up({
    // Brokers want clients to log in again after so many milliseconds.
    'connections.max.reauth.ms': '3000',
    'listener.name.sasl_mtls.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
  }),
)
after(() => stack.down())

describeShape(stack)
describeJobs(stack)
describeLogins(stack)
describeTls(stack)
describeAcls(stack)
