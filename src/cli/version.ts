/** The flags that only ask for the version; answered before anything else is loaded. */
export function asksForVersion(argv: readonly string[]): boolean {
  return argv[0] === '--version' || argv[0] === '-v'
}

/** `etl/0.1.0 linux-x64 node-v24.21.0`: what to put into a bug report. */
export function versionLine(version: string): string {
  return `etl/${version} ${process.platform}-${process.arch} node-${process.version}\n`
}
