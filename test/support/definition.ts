import type { InboundAdapter, OutboundAdapter } from '../../src/adapter/adapter.ts';
import type {
  Definition,
  OperationDefinition,
  ProcessDefinition,
  ServiceDefinition,
} from '../../src/definition/definition.ts';
import type { Form } from '../../src/definition/form/form.ts';
import {
  operationForm,
  processForm,
  serviceForm,
} from '../../src/definition/grammar/host-settings.ts';
import { productionNames } from '../../src/definition/names.ts';
import { problemList } from '../../src/definition/problem.ts';
import { readContext } from '../../src/definition/read-context.ts';
import { emptyBlock } from '../../src/definition/written/written.ts';
import { expressionEnvironment } from '../../src/expression/environment.ts';

const place = { file: 'production.yaml', line: 1, column: 1 };

/** The defaults of a host. */
function defaults<Value>(form: Form<Value>): Value {
  const names = productionNames(emptyBlock(place));
  const language = expressionEnvironment({ lookups: { names: [], lookup: () => '' } });
  const context = readContext('/nowhere', names, language);
  const value = form.read(emptyBlock(place), { problems: problemList(), keys: [], context });
  if (value === undefined) throw new Error('the form has no defaults');
  return value;
}

const retry = {
  every: 50,
  for: Number.POSITIVE_INFINITY,
  backoff: 1,
  max: 1_000,
  disconnected: Number.POSITIVE_INFINITY,
};

export function serviceDefinition(
  name: string,
  adapter: InboundAdapter,
  rest: Partial<ServiceDefinition> = {},
): ServiceDefinition {
  return {
    ...defaults(serviceForm),
    kind: 'service',
    name,
    place,
    adapter,
    settings: {},
    given: {},
    to: [],
    ...rest,
  };
}

export function operationDefinition(
  name: string,
  adapter: OutboundAdapter,
  rest: Partial<OperationDefinition> = {},
): OperationDefinition {
  return {
    ...defaults(operationForm),
    kind: 'operation',
    name,
    place,
    adapter,
    settings: {},
    given: {},
    pool: 1,
    order: 'fifo',
    retry,
    timeout: 5_000,
    replies: {},
    ...rest,
  };
}

export function processDefinition(
  name: string,
  rest: Partial<ProcessDefinition>,
): ProcessDefinition {
  return {
    ...defaults(processForm),
    kind: 'process',
    name,
    place,
    run: 'inline',
    rules: [],
    pool: 1,
    order: 'fifo',
    whileWaiting: 'hold',
    retry,
    ...rest,
  };
}

const byName = <Of extends { name: string }>(all: readonly Of[]): Map<string, Of> =>
  new Map(all.map((one) => [one.name, one]));

/** A definition made by hand, for tests of the code that runs it. */
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
      approval: 'none',
      queueLimit: 1024 ** 3,
      hopLimit: 1_000,
      shutdownTimeout: 2_000,
    },
    services: byName(parts.services),
    processes: byName(parts.processes ?? []),
    operations: byName(parts.operations),
    transforms: new Map(),
    profiles: new Map(),
    lookups: { names: [], lookup: (_, __, otherwise = '') => otherwise },
    lookupSources: new Map(),
    credentials: new Map(),
    alerts: undefined,
    files: [],
    placeOf: () => undefined,
    source: { written: emptyBlock(place), digests: new Map() },
    ...parts.rest,
  };
}
