import type { InboundAdapter, OutboundAdapter } from '../../src/adapter/adapter.ts';
import type {
  Definition,
  OperationDefinition,
  ProcessDefinition,
  ServiceDefinition,
} from '../../src/definition/definition.ts';
import { emptyBlock } from '../../src/definition/written/written.ts';

const place = { file: 'production.yaml', line: 1, column: 1 };
const common = { place, tags: [], enabled: true, alert: undefined };

export function serviceDefinition(
  name: string,
  adapter: InboundAdapter,
  rest: Partial<ServiceDefinition> = {},
): ServiceDefinition {
  return {
    ...common,
    kind: 'service',
    name,
    adapter,
    settings: {},
    given: {},
    to: [],
    duplicates: 'once',
    ...rest,
  };
}

export function operationDefinition(
  name: string,
  adapter: OutboundAdapter,
  rest: Partial<OperationDefinition> = {},
): OperationDefinition {
  return {
    ...common,
    kind: 'operation',
    name,
    adapter,
    settings: {},
    given: {},
    pool: 1,
    order: 'fifo',
    retry: {
      every: 50,
      for: Number.POSITIVE_INFINITY,
      backoff: 1,
      max: 1_000,
      disconnected: Number.POSITIVE_INFINITY,
    },
    timeout: 5_000,
    replies: {},
    answersTo: [],
    ...rest,
  };
}

export function processDefinition(
  name: string,
  rest: Partial<ProcessDefinition>,
): ProcessDefinition {
  return {
    ...common,
    kind: 'process',
    name,
    run: 'inline',
    rules: [],
    validate: 'none',
    invalid: 'suspend',
    pool: 1,
    order: 'fifo',
    whileWaiting: 'hold',
    retry: {
      every: 50,
      for: Number.POSITIVE_INFINITY,
      backoff: 1,
      max: 1_000,
      disconnected: Number.POSITIVE_INFINITY,
    },
    ...rest,
  };
}

const byName = <Of extends { name: string }>(all: readonly Of[]): Map<string, Of> =>
  new Map(all.map((one) => [one.name, one]));

/** A definition made by hand, for tests of what runs it. */
export function definition(parts: {
  readonly services: readonly ServiceDefinition[];
  readonly processes?: readonly ProcessDefinition[];
  readonly operations: readonly OperationDefinition[];
  readonly rest?: Partial<Definition>;
}): Definition {
  return {
    name: 'test',
    title: 'test',
    folder: '/nowhere',
    settings: {
      keep: 7 * 86_400_000,
      search: new Map(),
      inlineLimit: 256 * 1024,
      duplicateWindow: 600_000,
      testMessages: false,
      queueLimit: 1024 ** 3,
      shutdownTimeout: 2_000,
    },
    services: byName(parts.services),
    processes: byName(parts.processes ?? []),
    operations: byName(parts.operations),
    transforms: new Map(),
    lookups: { names: [], lookup: (_, __, otherwise = '') => otherwise },
    credentials: new Map(),
    alerts: undefined,
    files: [],
    placeOf: () => undefined,
    source: { written: emptyBlock(place), digests: new Map() },
    ...parts.rest,
  };
}
