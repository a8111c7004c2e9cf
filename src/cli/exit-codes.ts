import type { ExitCode } from '../errors.ts'

/** What each exit code tells a script; docs/exit-codes.md explains them and `etl --help` lists them. */
export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'fine',
  1: 'unexpected error',
  2: 'wrong usage or bad input data',
  3: 'verification failed: records lost or doubled, or schemas not compatible',
  4: 'behind: lag left when --wait ran out',
  5: 'a server is unreachable',
  6: 'the plan has changes (--detailed-exitcode)',
  7: 'fenced: another owner, or not the same log',
  78: 'bad configuration, or things that do not match',
}
