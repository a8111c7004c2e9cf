/** One way to break the guarantee, and what should notice it. */
export interface Mutation {
  readonly name: string
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[]
  /** Faults that bring it to light. */
  readonly chaos: { readonly faults: number; readonly only: readonly string[] }
  /** Test file that holds the contract. */
  readonly suite: string
}

const lane = 'src/sink/sql/lane.ts'
const ledgerInside = '    if (target.ledger) await writeLedger(session, at, this.epoch, batch, counts)\n'
const fence = `    if (!(await advance(session, at, this.epoch, batch.firstOffset, batch.nextOffset))) {
      throw this.#fenced(await readFence(session, at), batch.firstOffset)
    }
`
const commits = ['commit-unsent', 'commit-unanswered', 'commit-late', 'link-cut', 'consumer-kill']
const zombies = ['consumer-freeze', 'commit-late']

export const mutations: readonly Mutation[] = [
  {
    name: 'no-fence',
    edits: [
      {
        file: 'src/sink/sql/fence.ts',
        from: `
      AND "offset" = \${expected} AND owner_epoch = \${epoch}\`)
  return affected === 1`,
        to: `\`)
  return affected === 1 || epoch + expected < 0n`,
      },
    ],
    chaos: { faults: 8, only: zombies },
    suite: 'test/integration/sink/postgres.test.ts',
  },
  {
    name: 'offset-outside-the-transaction',
    edits: [
      {
        file: lane,
        from: fence,
        to: `    await session.commit()
    await session.begin()
${fence}`,
      },
    ],
    chaos: { faults: 20, only: commits },
    suite: 'test/integration/sink/postgres.test.ts',
  },
  {
    name: 'ledger-outside-the-transaction',
    edits: [
      { file: lane, from: ledgerInside, to: '' },
      {
        file: lane,
        from: `    this.#next = batch.nextOffset
    return receipt
  }
`,
        to: `    this.#next = batch.nextOffset
    await session.begin()
    await writeLedger(session, at, this.epoch, batch, counts)
    await session.commit()
    return receipt
  }
`,
      },
    ],
    chaos: { faults: 20, only: commits },
    suite: 'test/integration/sink/postgres.test.ts',
  },
  {
    name: 'last-record-plus-one',
    edits: [
      {
        file: 'src/engine/consume/batch-queue.ts',
        from: '      this.position = batch.nextOffset\n',
        to: '      if (all.length === 0) this.position = batch.nextOffset\n',
      },
    ],
    chaos: { faults: 10, only: ['consumer-kill', 'link-cut'] },
    suite: 'test/unit/engine/batch-queue.test.ts',
  },
  {
    name: 'claim-without-epoch',
    edits: [
      {
        file: 'src/sink/sql/claim.ts',
        from: 'sql`kafka_offsets.owner_epoch + 1`',
        to: 'sql`kafka_offsets.owner_epoch`',
      },
    ],
    chaos: { faults: 8, only: zombies },
    suite: 'test/integration/sink/postgres.test.ts',
  },
]
