import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { faultKinds, type Scope, specOf } from '../../../src/chaos/fault.ts'
import { planFaults, selectKinds } from '../../../src/chaos/plan.ts'
import { UsageError } from '../../../src/errors.ts'

const scope: Scope = {
  sinks: ['postgres', 'mysql'],
  processes: 2,
  links: ['kafka', 'registry', 'postgres', 'mysql'],
  commitLinks: ['postgres', 'mysql'],
  servers: ['kafka', 'registry', 'postgres', 'mysql'],
  sessionTimeout: 3_000,
}
const plan = (seed: number, count: number, kinds = faultKinds) => planFaults({ seed, count, kinds, scope })

suite('the plan of a chaos run', () => {
  test('is the same for the same seed and count, and another one for another seed', () => {
    assert.deepEqual(plan(1, 200), plan(1, 200))
    assert.notDeepEqual(plan(1, 200), plan(2, 200))
  })

  test('has every kind as soon as there are enough faults', () => {
    for (const seed of [1, 2, 3]) {
      const kinds = new Set(plan(seed, faultKinds.length).map(({ kind }) => kind))
      assert.equal(kinds.size, faultKinds.length)
    }
  })

  test('comes to one fault a second or more, in ascending order', () => {
    const faults = plan(7, 1_000)
    const last = faults.at(-1)?.at ?? Number.POSITIVE_INFINITY
    assert.ok(last < 1_000_000, `the last fault comes after ${last} ms`)
    assert.deepEqual(
      faults.map(({ at }) => at),
      faults.map(({ at }) => at).sort((a, b) => a - b),
    )
    assert.deepEqual(
      faults.map(({ number }) => number),
      Array.from({ length: 1_000 }, (_, i) => i + 1),
    )
  })

  test('hits only what there is', () => {
    const own = planFaults({ seed: 1, count: 500, kinds: faultKinds, scope })
    for (const { kind, target } of own) assert.ok(specOf(kind).targets(scope).includes(target))
    const foreign = { ...scope, servers: [], commitLinks: ['postgres'], links: ['kafka'] }
    for (const { kind, target } of planFaults({ seed: 1, count: 500, kinds: faultKinds, scope: foreign })) {
      assert.doesNotMatch(kind, /^(broker|database|registry)-kill$/)
      if (kind.startsWith('commit-')) assert.equal(target, 'postgres')
      if (kind.startsWith('link-')) assert.equal(target, 'kafka')
    }
  })

  test('kills servers rarely, for their start takes long', () => {
    const kills = plan(1, 1_000).filter(({ kind }) => kind === 'broker-kill' || kind === 'registry-kill')
    assert.ok(kills.length > 5 && kills.length < 60, `${kills.length} of 1000`)
  })

  test('freezes a consumer for longer than its session lasts', () => {
    const freezes = plan(3, 1_000).filter(({ kind }) => kind === 'consumer-freeze')
    for (const { lasts } of freezes) assert.ok(lasts > 3_000)
  })

  test('takes the kinds that are asked for', () => {
    const kinds = selectKinds(['commit-late', 'link-cut'], ['link-cut'])
    assert.deepEqual([...new Set(plan(1, 50, kinds).map(({ kind }) => kind))], ['commit-late'])
    assert.deepEqual(selectKinds([], []), faultKinds)
  })

  test('names the faults there are when one is not known, or none is possible', () => {
    assert.throws(() => selectKinds(['comit-late'], []), { code: 'usage', message: /comit-late/ })
    assert.throws(
      () => planFaults({ seed: 1, count: 5, kinds: ['broker-kill'], scope: { ...scope, servers: [] } }),
      UsageError,
    )
  })
})
