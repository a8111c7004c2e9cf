import type { LaneProgress } from '../engine/consume/job.ts'
import type { ConsumeResult } from '../engine/consume/start.ts'
import type { ConsumeProgress } from '../engine/consume/totals.ts'
import { formatCount } from './format-count.ts'
import { type ProgressStream, progressLine } from './progress.ts'
import { redact } from './redact.ts'
import { awayText, ServerLines, serverDocument } from './server-lines.ts'
import { textTable } from './table.ts'

const MiB = 1 << 20

export interface ConsumeLine {
  update(progress: ConsumeProgress): void
  print(text: string): void
  done(): void
}

/** The progress line of `etl consume`; also says at once when a server goes or comes back, and when a lane stops or waits. */
export function consumeProgress(stream: ProgressStream): ConsumeLine {
  const line = progressLine(stream)
  const started = performance.now()
  const told = new Map<number, string>()
  const servers = new ServerLines()
  /** Claims of each partition that were fenced and told of. */
  const fences = new Map<number, number>()
  return {
    update(progress) {
      for (const text of servers.changes(progress.servers)) line.print(text)
      for (const lane of progress.lanes) {
        const text = trouble(lane)
        if (text !== undefined && told.get(lane.partition) !== text) line.print(text)
        told.set(lane.partition, text ?? '')
        if (lane.fenced > (fences.get(lane.partition) ?? 0) && lane.state !== 'fenced')
          line.print(takenOver(lane))
        fences.set(lane.partition, lane.fenced)
      }
      line.update(progressText(progress, (performance.now() - started) / 1000))
    },
    print: (text) => line.print(text),
    done: () => line.done(),
  }
}

/** What a person must know of a lane at once; undefined: nothing. */
function trouble(lane: LaneProgress): string | undefined {
  if (!lane.error || !['waiting', 'fenced', 'failed'].includes(lane.state)) return undefined
  // A server that is away for all is told once, not by every lane.
  if (lane.state === 'waiting' && lane.error.code === 'unreachable') return undefined
  const { message, where, causes, next } = lane.error
  const lines = [
    `partition ${lane.partition} ${lane.state}: ${message}`,
    ...(where ? [`where: ${where}`] : []),
    ...(causes[0] ? [`why:   ${causes[0]}`] : []),
    ...(next ? [`next:  ${next}`] : []),
  ]
  return redact(lines.join('\n  '))
}

/** A fence that a rebalance followed at once, so that nobody saw the lane in that state. */
function takenOver({ partition }: LaneProgress): string {
  return `partition ${partition} was taken by another owner: what this one still had of it was not written`
}

function progressText(p: ConsumeProgress, seconds: number): string {
  const rate = Math.round(p.read / Math.max(seconds, 0.001)).toLocaleString('en-US')
  const queue = `queue ${formatCount(p.queuedRecords)} (${(p.queuedBytes / MiB).toFixed(1)} MiB)`
  const paused = p.paused > 0 ? `, ${p.paused} paused` : ''
  const dead = p.deadLettered > 0 ? `, ${p.deadLettered} dead letters` : ''
  // What hinders comes first: the line is cut at the terminal's width.
  const away = p.servers.flatMap((server) => awayText(server) ?? [])
  const moved = `${formatCount(p.read)} records, ${rate}/s, lag ${formatCount(p.lag)}, ${queue}${paused}${dead}`
  return [...away, moved].join(' · ')
}

/** Summary at the end, at most 80 columns wide. */
export function consumeSummary(result: ConsumeResult): string {
  const { progress, seconds } = result
  const rows = progress.lanes.map((lane) => [
    String(lane.partition),
    lane.offset < 0n ? '–' : String(lane.offset),
    formatCount(lane.read),
    formatCount(lane.written),
    formatCount(lane.deadLettered),
    formatCount(lane.commits),
    lane.state,
  ])
  const all = [
    'all',
    '',
    formatCount(progress.read),
    formatCount(progress.written),
    formatCount(progress.deadLettered),
    formatCount(progress.commits),
    '',
  ]
  const rate = Math.round(progress.read / Math.max(seconds, 0.001))
  return [
    `${result.topic} → ${result.sink} table ${result.table} (${result.mode})`,
    `group ${result.group}`,
    textTable(['part', 'offset', 'read', 'written', 'dlq', 'commits', 'state'], [...rows, all]),
    `${seconds.toFixed(1)} s, ${formatCount(rate)} records/s${notes(progress)}`,
    ...(result.complete ? [] : ['stopped before the end that was asked for']),
  ].join('\n')
}

function notes({ recovered, fenced, servers }: ConsumeProgress): string {
  return [
    ...servers
      .filter((server) => server.openings > 0)
      .map((server) => `, ${server.server} away ${(server.awayMs / 1000).toFixed(1)} s`),
    recovered > 0 ? `, ${recovered} commits read back after a lost answer` : '',
    fenced > 0 ? `, ${fenced} claims fenced` : '',
  ].join('')
}

/** The document of `--json`. */
export function consumeDocument(result: ConsumeResult): object {
  const { progress, exitCode: _, ...rest } = result
  const { lanes, servers, ...totals } = progress
  return {
    ...rest,
    recordsPerSecond: Math.round(progress.read / Math.max(result.seconds, 0.001)),
    ...totals,
    servers: servers.map(serverDocument),
    partitions: lanes.map(({ error, ...lane }) => ({
      ...lane,
      ...(error
        ? {
            error: { code: error.code, message: redact(error.message), where: error.where, next: error.next },
          }
        : {}),
    })),
  }
}
