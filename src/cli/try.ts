import { Command } from 'commander';
import { adapterCatalogue } from '../../adapters/index.ts';
import type { TestStep } from '../adapter/test-step.ts';
import { credentials } from '../credential/credentials.ts';
import { ConfigError } from '../error/adapter-error.ts';
import { silentLogger } from '../log/logger.ts';
import { hostTest } from '../production/host-test.ts';
import { describeProblem } from '../production/problem.ts';
import { readProduction } from '../production/read.ts';
import { print } from './output.ts';

interface TryFlags {
  readonly production: string;
  readonly overlay: string[];
  readonly json?: boolean;
}

export function tryCommand(): Command {
  return new Command('try')
    .description(
      'Tests the connection of a service or operation step by step and says in plain words what failed. No message is moved.',
    )
    .argument('<host>')
    .option('--production <folder>', 'the folder of the production', '.')
    .option(
      '--overlay <name>',
      'an overlay; may be given several times',
      (one: string, all: string[]) => [...all, one],
      [] as string[],
    )
    .option('--json', 'as JSON')
    .action(tryHost);
}

async function tryHost(host: string, flags: TryFlags): Promise<void> {
  const { definition, problems } = await readProduction(flags.production, {
    adapters: adapterCatalogue,
    overlays: flags.overlay,
  });
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  const known = credentials(definition.credentials, {
    log: silentLogger,
    folder: definition.folder,
  });
  const steps = await hostTest(definition, host, {
    credential: (name) => known.get(name),
    verifier: (name) => known.verifier(name),
    log: silentLogger,
    ...(flags.json === true ? {} : { onStep: (step) => print(describeStep(step)) }),
  });
  await known.close();
  if (flags.json === true) print(JSON.stringify(steps));
  if (steps.some(({ result }) => result === 'failed')) process.exitCode = 1;
}

const MARKS = { passed: '✓', failed: '✗', skipped: '–' } as const;

function describeStep({ name, result, detail, cause, remedy, took }: TestStep): string {
  const lines = [
    `${MARKS[result]} ${name}${detail === undefined ? '' : `: ${detail}`} (${took} ms)`,
  ];
  if (cause !== undefined) lines.push(`    ${cause}`);
  if (remedy !== undefined) lines.push(`    → ${remedy}`);
  return lines.join('\n');
}
