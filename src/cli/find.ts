import { Command } from 'commander';
import type { Broker } from '../broker/broker.ts';
import { askControl } from '../control/control.ts';
import { remoteTrace } from '../control/remote-trace.ts';
import { PLANE } from '../control/verbs.ts';
import { EngineError } from '../error/engine-error.ts';
import { CRITERION_NAMES, criteria } from '../trace/criteria.ts';
import { behindText, drawPage } from '../trace/drawing/draw-page.ts';
import { drawQuickHits } from '../trace/drawing/draw-quick-hits.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { terminal } from './terminal.ts';
import { orderedBy, whereOptions } from './where.ts';

interface FindFlags extends WhereOptions {
  readonly limit: string;
  readonly after?: string;
  readonly patience: string;
  readonly json?: boolean;
}

export function findCommand(): Command {
  return whereOptions(new Command('find'))
    .description('Searches the trace of a running production, newest first.')
    .argument(
      '[criteria...]',
      `name=value: ${CRITERION_NAMES.join(', ')}, or a search field such as mrn (value* for a beginning); or one word: a message id, control id or field value`,
    )
    .option('--limit <count>', 'messages at most, up to 1000', '50')
    .option('--after <cursor>', 'go on where an earlier search ended')
    .option('--patience <seconds>', 'how long to search', '5')
    .option('--json', 'as JSON')
    .action(find);
}

async function find(words: readonly string[], flags: FindFlags): Promise<void> {
  await withBroker(flags, async (broker) => {
    const [word] = words;
    if (word !== undefined && words.length === 1 && !word.includes('=')) {
      return findWord(broker, word, flags);
    }
    const trace = remoteTrace(broker, orderedBy());
    const page = await trace.find({
      ...criteria(words, await trace.fields(), Date.now()),
      after: flags.after,
      limit: count('--limit', flags.limit),
      timeBudget: count('--patience', flags.patience) * 1_000,
    });
    const behind = await traceLag(broker);
    print(
      flags.json === true
        ? JSON.stringify({ ...page, behind })
        : drawPage(page, { ...terminal(), behind }),
    );
  });
}

/** How many messages the trace has not read yet: they are not found. */
const traceLag = (broker: Broker): Promise<number> => askControl(broker, PLANE.lag, null);

async function findWord(broker: Broker, word: string, flags: FindFlags): Promise<void> {
  const trace = remoteTrace(broker, orderedBy());
  const hits = await trace.quickFind(word, count('--limit', flags.limit));
  if (flags.json === true) return print(JSON.stringify(hits));
  print(drawQuickHits(hits, terminal()));
  const behind = await traceLag(broker);
  if (behind > 0) print(behindText(behind));
}

function count(flag: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new EngineError('QUERY_INVALID', `${flag} ${text} is not a whole number above 0`);
}
