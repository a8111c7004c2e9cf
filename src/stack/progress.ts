import type { DownloadProgress } from './fetch-artifacts.ts'
import type { StartedService, UpReporter } from './up.ts'

/** Where progress is shown: a line that moves, or now and then a line. */
export interface Display {
  update(text: string): void
  print(text: string): void
  done(): void
}

/** Tells people what `etl stack up` is doing. */
export class UpProgress implements UpReporter {
  private readonly display: Display
  private begin: number | undefined

  constructor(display: Display) {
    this.display = display
  }

  note(text: string): void {
    this.display.print(text)
  }

  download(progress: DownloadProgress): void {
    if (this.begin === undefined) {
      this.begin = performance.now()
      this.display.print(`downloading ${files(progress)}, ${megabytes(progress.bytes)} MB`)
    }
    const seconds = (performance.now() - this.begin) / 1000
    if (progress.filesDone < progress.files) {
      this.display.update(downloadLine(progress, seconds))
      return
    }
    this.display.done()
    this.display.print(`downloaded and verified in ${seconds.toFixed(1)} s`)
  }

  ready({ name, outcome, seconds }: StartedService): void {
    const text = outcome === 'started' ? `is ready after ${seconds.toFixed(1)} s` : 'runs already'
    this.display.print(`${name} ${text}`)
  }
}

/** `downloading 12/94 files, 101 of 330 MB, 34 MB/s`. */
export function downloadLine(progress: DownloadProgress, seconds: number): string {
  const { files, filesDone, bytes, bytesDone } = progress
  const rate = seconds > 0 ? megabytes(bytesDone / seconds) : '0'
  return `downloading ${filesDone}/${files} files, ${megabytes(bytesDone)} of ${megabytes(bytes)} MB, ${rate} MB/s`
}

function files({ files }: DownloadProgress): string {
  return files === 1 ? '1 file' : `${files} files`
}

function megabytes(bytes: number): string {
  return Math.round(bytes / 1e6).toString()
}
