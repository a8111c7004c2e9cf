import type { Discrepancy, VerifyReport } from './report.ts'

/** JUnit XML (the Jenkins/Surefire form): a suite for each report, a test case for each partition and one for the table. */
export function junitXml(reports: readonly VerifyReport[]): string {
  const suites = reports.map(suiteOf)
  const sum = (f: (suite: Suite) => number) => suites.reduce((total, suite) => total + f(suite), 0)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${sum((s) => s.tests)}" failures="${sum((s) => s.failures)}">`,
    ...suites.map((suite) => suite.xml),
    '</testsuites>',
    '',
  ].join('\n')
}

interface Suite {
  readonly tests: number
  readonly failures: number
  readonly xml: string
}

function suiteOf(report: VerifyReport): Suite {
  const cases = [
    ...report.partitions.map((p) => ({ name: `partition ${p.partition}`, findings: p.findings })),
    { name: `table ${report.table}`, findings: report.findings },
  ]
  const tests = cases.length
  const failures = cases.filter((c) => c.findings.some(isFailure)).length
  const name = `${report.topic} → ${report.sink} (${report.group})`
  const xml = [
    `  <testsuite name="${xmlText(name)}" tests="${tests}" failures="${failures}" errors="0" skipped="0">`,
    ...cases.map((c) => testCase(`etl.verify-offsets.${report.topic}`, c.name, c.findings)),
    '  </testsuite>',
  ].join('\n')
  return { tests, failures, xml }
}

function testCase(className: string, name: string, findings: readonly Discrepancy[]): string {
  const head = `    <testcase classname="${xmlText(className)}" name="${xmlText(name)}"`
  const failures = findings.filter(isFailure)
  if (failures.length === 0) return `${head}/>`
  const body = failures.map(
    (f) =>
      `      <failure type="${f.cause}" message="${xmlText(f.detail)}">${xmlText(f.next ?? '')}</failure>`,
  )
  return [`${head}>`, ...body, '    </testcase>'].join('\n')
}

function isFailure(finding: Discrepancy): boolean {
  return finding.severity !== 'note'
}

function xmlText(text: string): string {
  const named: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  }
  return (
    text
      .replace(/[&<>"']/g, (c) => named[c] as string)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no way to write these
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd')
  )
}
