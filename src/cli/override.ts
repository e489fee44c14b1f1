import { Argument, Command, Option } from 'commander';
import { OVERRIDE_KINDS, type Override, type OverrideKind } from '../broker/overrides.ts';
import { askControl } from '../control/control.ts';
import { PLANE } from '../control/verbs.ts';
import { EngineError } from '../error/engine-error.ts';
import { milliseconds } from '../time/duration.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { orderedBy, whereOptions } from './where.ts';

interface OverrideFlags extends WhereOptions {
  readonly level?: Override['level'];
  readonly for: string;
  readonly reason: string;
  readonly end?: boolean;
}

export function overrideCommand(): Command {
  const kind = new Argument('<kind>', 'hold stops it; test sets each message aside, unsent');
  return whereOptions(new Command('override'))
    .description(
      'Sets something for a host for a while, over what its file says; it ends by itself.',
    )
    .argument('<host>')
    .addArgument(kind.choices([...OVERRIDE_KINDS]))
    .addOption(
      new Option('--level <level>', 'of log-level').choices(['debug', 'info', 'warn', 'error']),
    )
    .option('--for <time>', 'how long, such as 30m or 2h', '1h')
    .option('--reason <text>', 'why, for whoever sees it', 'set by hand')
    .option('--end', 'ends it now')
    .action(override);
}

async function override(host: string, kind: OverrideKind, flags: OverrideFlags): Promise<void> {
  const { level, reason, end = false } = flags;
  const time = milliseconds(flags.for);
  if (time === undefined || !Number.isFinite(time)) {
    throw new EngineError('CONFIG_INVALID', `${flags.for} is not a time; write it as 30m or 2h`);
  }
  if (!end && (kind === 'log-level') !== (level !== undefined)) {
    throw new EngineError('CONFIG_INVALID', '--level belongs to log-level, and to it alone');
  }
  const by = orderedBy();
  const at = Date.now();
  const set: Override = { host, kind, level, by, reason, at, until: at + time };
  await withBroker(flags, (broker) =>
    askControl(
      broker,
      PLANE.override,
      { host, kind, by, set: end ? undefined : set },
      { timeout: 160_000 },
    ),
  );
  print(end ? `${kind} of ${host} has ended` : `${kind} of ${host} until ${told(set.until)}`);
}

const told = (time: number): string => new Date(time).toISOString();
