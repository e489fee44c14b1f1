import type { Lent } from '../adapter/adapter.ts';
import { runStep } from '../adapter/run-step.ts';
import type { Settings } from '../adapter/setting.ts';
import type { TestStep } from '../adapter/test-step.ts';
import type { Definition } from '../definition/definition.ts';
import { describeError, EngineError } from '../error/engine-error.ts';

const LIMIT = 60_000;

/** Tests a host's connection step by step, up to the first step that fails. No message is moved. */
export async function hostTest(
  definition: Definition,
  host: string,
  {
    credential,
    verifier,
    log,
    onStep = () => undefined,
  }: Pick<Lent<Settings>, 'credential' | 'verifier' | 'log'> & {
    /** Called with each step as it ends. */
    readonly onStep?: (step: TestStep) => void;
  },
): Promise<readonly TestStep[]> {
  const of =
    definition.services.get(host) ??
    definition.operations.get(host) ??
    definition.lookupSources.get(host);
  if (of === undefined) {
    throw new EngineError('HOST_UNKNOWN', nothingToTest(definition, host));
  }
  const steps: TestStep[] = [];
  const record = (step: TestStep): void => {
    steps.push(step);
    onStep(step);
  };
  const { adapter } = of;
  if (adapter.test === undefined) {
    record({
      name: 'test',
      result: 'skipped',
      detail: `${adapter.type} has no connection to test`,
      took: 0,
    });
    return steps;
  }
  const lent: Lent<Settings> = {
    host,
    production: definition.name,
    settings: of.settings,
    log,
    signal: AbortSignal.timeout(LIMIT),
    credential,
    verifier,
    peerCertificate: () => undefined,
    connection: () => undefined,
    event: () => undefined,
  };
  await adapter
    .test(lent, (name, run) => runStep(name, run, record))
    .catch((error: unknown) => {
      // a failed step has already been recorded; anything else is a step that could not begin
      if (steps.at(-1)?.result === 'failed') return;
      record({ name: 'test', result: 'failed', cause: describeError(error).text, took: 0 });
    });
  return steps;
}

function nothingToTest({ name, processes }: Definition, host: string): string {
  return processes.has(host)
    ? `${host} is a process, which has no connection to test`
    : `there is no service, operation or loaded lookup ${host} in ${name}`;
}
