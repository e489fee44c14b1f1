import { Command } from 'commander';
import { askControl } from '../../control/control.ts';
import { PLANE } from '../../control/verbs.ts';
import { orderedBy, type WhereOptions, whereOptions, withBroker } from '../connect.ts';
import { print, table } from '../output.ts';

/** Milliseconds: an operation has some time to deliver, and is examined if it does not. */
const TEST_LIMIT = 120_000;

export function alertsCommand(): Command {
  return new Command('alerts')
    .description('Alerts of a running production.')
    .addCommand(
      whereOptions(new Command('list'))
        .description('Lists the alerts that are not over, with who has taken them on.')
        .option('--json', 'as JSON')
        .action(list),
    )
    .addCommand(
      whereOptions(new Command('test'))
        .description(
          'Sends a test by every channel of alerts, or by some, and says what keeps it from getting there.',
        )
        .argument('[channels...]', 'names of channels: see alerts in console.yaml; all if left out')
        .option('--json', 'as JSON')
        .action(test),
    );
}

async function list(flags: WhereOptions & { readonly json?: boolean }): Promise<void> {
  const alerts = await withBroker(flags, (broker) => askControl(broker, PLANE.alerts, null));
  if (flags.json === true) return print(JSON.stringify(alerts));
  if (alerts.length === 0) return print('no alert is open');
  print(
    table([
      ['alert', 'since', 'level', 'host', 'taken on by', 'what'],
      ...alerts.map(({ id, first, level, host, owner, text }) => [
        String(id),
        new Date(first).toISOString(),
        level,
        host ?? '',
        owner ?? '',
        text,
      ]),
    ]),
  );
}

async function test(
  channels: readonly string[],
  flags: WhereOptions & { readonly json?: boolean },
): Promise<void> {
  const tests = await withBroker(flags, (broker) =>
    askControl(broker, PLANE.testAlerts, { channels, by: orderedBy() }, { timeout: TEST_LIMIT }),
  );
  if (flags.json === true) print(JSON.stringify(tests));
  else if (tests.length === 0) print('no such channel: alerts go nowhere but to the console');
  else {
    print(
      table([
        ['channel', 'kind', 'result', 'took', 'why'],
        ...tests.map(({ channel, kind, result, took, cause, remedy }) => [
          channel,
          kind,
          result,
          `${took} ms`,
          cause === undefined ? '' : `${cause}. ${remedy ?? ''}`,
        ]),
      ]),
    );
  }
  if (tests.some(({ result }) => result === 'failed')) process.exitCode = 1;
}
