/**
 * Who may import whom: the arrows of docs/development.md, "Parts". Layers import only downwards;
 * src/errors.ts belongs to everyone. TypeScript 7 has no compiler API, so swc parses the sources.
 */
const layers = {
  commands: [
    'cli',
    'config',
    'audit',
    'chaos',
    'plan',
    'engine',
    'verify',
    'stack',
    'source',
    'sink',
    'kafka',
    'schema',
    'telemetry',
  ],
  // cli shows what the parts found, and config finds the servers of a running `etl stack`.
  cli: [
    'config',
    'plan',
    'engine',
    'verify',
    'audit',
    'chaos',
    'stack',
    'source',
    'sink',
    'kafka',
    'schema',
    'telemetry',
  ],
  config: ['stack/state.ts', 'source', 'sink', 'kafka', 'schema', 'telemetry'],
  plan: ['sink', 'kafka', 'schema', 'telemetry'],
  engine: ['source', 'sink', 'kafka', 'schema', 'telemetry'],
  // The run plans its dataset, starts a stack, and proves by verify-offsets and audit.
  chaos: ['audit', 'plan', 'verify', 'stack', 'source', 'sink', 'kafka', 'schema', 'telemetry'],
  // Shares nothing with the lanes but the answer to which table a topic goes to.
  audit: ['engine/target.ts', 'verify', 'sink', 'kafka', 'schema', 'telemetry'],
  verify: ['sink', 'kafka', 'schema', 'telemetry'],
  stack: ['telemetry'],
  source: ['kafka', 'schema', 'telemetry'],
  sink: ['kafka', 'schema', 'telemetry'],
  kafka: ['telemetry'],
  schema: ['telemetry'],
  telemetry: [],
}

const folder = (layer) =>
  layer === 'commands' ? '^commands/' : layer.endsWith('.ts') ? `^src/${layer}$` : `^src/${layer}/`
const shared = ['^src/errors\\.ts$', '^src/tls\\.ts$', '^src/threads\\.ts$', '^package\\.json$']

const arrows = Object.entries(layers).map(([layer, below]) => ({
  name: `${layer}-imports-downwards`,
  severity: 'error',
  from: { path: folder(layer) },
  to: {
    path: ['^(bin|bench|commands|src|test)/'],
    pathNot: [folder(layer), ...below.map(folder), ...shared],
  },
}))

/** Packages that speak to a server; `layer` is the only part that may know them. */
const vendors = [
  { name: 'only-kafka-knows-kafkajs', packages: 'kafkajs', layer: '^src/kafka/' },
  { name: 'only-mysql-knows-mysql2', packages: 'mysql2', layer: '^src/(sink|source)/mysql/' },
  { name: 'only-postgres-knows-pg', packages: 'pg|pg-[^/]+', layer: '^src/(sink|source)/postgres/' },
  { name: 'only-cli-knows-oclif', packages: '@oclif/core', layer: '^(commands|src/cli|bin)/' },
].map(({ name, packages, layer }) => ({
  name,
  severity: 'error',
  from: { path: '^(bin|commands|src)/', pathNot: layer },
  to: { path: `node_modules/(@types/)?(${packages})/` },
}))

export default {
  forbidden: [
    ...arrows,
    ...vendors,
    {
      name: 'ports-not-vendors',
      severity: 'error',
      from: { path: '^(commands/|src/(cli|config|plan|engine|verify|audit|chaos)/)' },
      to: { path: '^src/(sink|source)/(mysql|postgres)/' },
    },
    {
      name: 'dialects-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/sink/(mysql|postgres)/' },
      to: { path: '^src/sink/(mysql|postgres)/', pathNot: '^src/sink/$1/' },
    },
    {
      name: 'errors-and-threads-import-nothing',
      severity: 'error',
      from: { path: '^src/(errors|threads)\\.ts$' },
      to: { pathNot: '^node:|^[a-z_]+$' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'not-to-test',
      severity: 'error',
      from: { path: '^(bin|commands|src)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'workers-load-no-command-line',
      severity: 'error',
      from: { path: '^src/worker\\.ts$' },
      to: { path: '^(commands|src/cli)/', reachable: true },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
