import { Command } from 'commander';
import { EngineError } from '../error/engine-error.ts';
import { remoteTrace } from '../operator/trace-service.ts';
import { CRITERION_NAMES, criteria } from '../trace/criteria.ts';
import { drawPage } from '../trace/drawing/draw-page.ts';
import { drawQuickHits } from '../trace/drawing/draw-quick-hits.ts';
import type { TraceReader } from '../trace/trace-store.ts';
import { type WhereOptions, withBroker } from './connect.ts';
import { print } from './output.ts';
import { terminal } from './terminal.ts';
import { whereOptions } from './where.ts';

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
    const trace = remoteTrace(broker);
    const [word] = words;
    if (word !== undefined && words.length === 1 && !word.includes('=')) {
      return findWord(trace, word, flags);
    }
    const page = await trace.find({
      ...criteria(words, await trace.fields(), Date.now()),
      after: flags.after,
      limit: count('--limit', flags.limit),
      timeBudget: count('--patience', flags.patience) * 1_000,
    });
    print(flags.json === true ? JSON.stringify(page) : drawPage(page, terminal()));
  });
}

async function findWord(trace: TraceReader, word: string, flags: FindFlags): Promise<void> {
  const hits = await trace.quickFind(word, { limit: count('--limit', flags.limit) });
  print(flags.json === true ? JSON.stringify(hits) : drawQuickHits(hits, terminal()));
}

function count(flag: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new EngineError('QUERY_INVALID', `${flag} ${text} is not a whole number above 0`);
}
