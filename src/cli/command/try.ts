import { Command } from 'commander';
import type { TestStep } from '../../adapter/test-step.ts';
import { credentials } from '../../credential/credentials.ts';
import type { Problem } from '../../definition/problem.ts';
import { readProduction } from '../../definition/read.ts';
import { hostTest } from '../../engine/host-test.ts';
import { ConfigError } from '../../error/adapter-error.ts';
import { silentLogger } from '../../log/logger.ts';
import { print } from '../output.ts';
import { type ReadingFlags, readingOptions, readOptions } from '../reading.ts';
import { describeStep } from '../step-text.ts';

interface TryFlags extends ReadingFlags {
  readonly production?: string;
  readonly json?: boolean;
}

export function tryCommand(): Command {
  return readingOptions(new Command('try'))
    .description(
      'Tests the connection of a service, an operation or a lookup that is loaded, step by step, and says in plain words what failed. No message is moved.',
    )
    .argument('<host>')
    .argument('[production]', 'its folder; the current one if left out')
    .option('--production <folder>', 'the same, as an option')
    .option('--json', 'as JSON')
    .action(tryHost);
}

async function tryHost(host: string, given: string | undefined, flags: TryFlags): Promise<void> {
  // no host's name has one, so it is the folder of the production
  if (host.includes('/')) {
    const first = given ?? '<host>';
    throw new ConfigError([`the host comes first: waybill try ${first} ${host}`]);
  }
  const folder = given ?? flags.production ?? '.';
  const onStep = (step: TestStep): void => {
    if (flags.json !== true) print(describeStep(step));
  };
  const steps = await triedSteps(host, folder, flags, onStep);
  if (flags.json === true) print(JSON.stringify(steps));
  if (steps.some(({ result }) => result === 'failed')) process.exitCode = 1;
}

async function triedSteps(
  host: string,
  production: string,
  flags: TryFlags,
  onStep: (step: TestStep) => void,
): Promise<readonly TestStep[]> {
  const { definition, problems } = await readProduction(production, {
    ...readOptions(flags),
    host,
  });
  if (definition === undefined) {
    const wrong = problems.filter(({ severity }) => severity === 'error').map(wrongStep);
    for (const step of wrong) onStep(step);
    return wrong;
  }
  const { folder } = definition;
  const known = credentials(definition.credentials, { log: silentLogger, folder });
  const steps = await hostTest(definition, host, {
    credential: (name) => known.get(name),
    verifier: (name) => known.verifier(name),
    log: silentLogger,
    onStep,
  });
  await known.close();
  return steps;
}

/** Problems of this host that are found before anything is tested. */
function wrongStep({ file, line, path, what: cause, remedy }: Problem): TestStep {
  return {
    name: path === '' ? file : path,
    result: 'failed',
    detail: `${file}:${line}`,
    cause,
    // a cause that says what to do has none of its own
    ...(remedy === '' ? {} : { remedy }),
    took: 0,
  };
}
