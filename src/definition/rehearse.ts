import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { ConfigError } from '../error/adapter-error.ts';
import { EngineError } from '../error/engine-error.ts';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import type { Explanation } from '../message/record.ts';
import { type Clock, fixedClock } from '../time/clock.ts';
import { runMessage, type SentMessage } from './case/run-message.ts';
import type { Definition } from './definition.ts';
import { textOf } from './form/setting-form.ts';
import { describeProblem } from './problem.ts';
import type { ReadProduction } from './read.ts';
import type { DecidingPlace, Rehearsal, RehearsalRequest, RehearsedMessage } from './rehearsal.ts';
import { versionOf } from './version-of.ts';
import { placeAt, valueAt, type Written } from './written/written.ts';

/** Bytes of all messages that would be sent: the answer must fit into one broker message. */
const LIMIT = 2 * 1024 * 1024;

/** Runs messages, one after the other, through the production as its files were when it was made. */
export type Rehearser = (request: RehearsalRequest, body: Uint8Array) => Promise<Rehearsal>;

/**
 * Reads the files of a production for messages to be run through it: nothing is stored or sent, and the running
 * production does not change. Throws ConfigError for files that cannot be used.
 */
export async function rehearser(
  read: (clock: Clock) => Promise<ReadProduction>,
): Promise<Rehearser> {
  const clock = fixedClock(Date.now());
  const { definition, problems } = await read(clock);
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  const version = versionOf(definition);
  const placesOf = decidingPlaces(definition);
  return async ({ service, at, type, name, charset, run }, body) => {
    if (!definition.services.has(service))
      throw new EngineError('HOST_UNKNOWN', `the files no longer have a service ${service}`);
    clock.set(at);
    const { sent, processes } = await runMessage(
      { definition, clock, answer: () => undefined },
      service,
      { type, name, charset, body },
    );
    const isOne = run === undefined;
    if (isOne) checkSize(sent);
    return {
      version,
      sent: sent.map((one) => rehearsed(one, isOne)),
      processes: await Promise.all(
        processes.map(async (one) => ({ ...one, places: await placesOf(one) })),
      ),
    };
  };
}

function checkSize(sent: readonly SentMessage[]): void {
  const size = sent.reduce((sum, one) => sum + one.body.byteLength, 0);
  if (size > LIMIT)
    throw new EngineError(
      'MESSAGE_TOO_LARGE',
      `${size} bytes would be sent, too much to compare; \`waybill test\` can`,
    );
}

function rehearsed({ to, type, charset, body }: SentMessage, withBody: boolean): RehearsedMessage {
  const digest = createHash('sha256').update(body).digest('hex');
  const base64 = withBody ? Buffer.from(body).toString('base64') : undefined;
  return { to, type, charset, base64, digest };
}

/** What a process did with a message. */
interface Decided {
  readonly process: string;
  readonly explain: Explanation | undefined;
}

type Found = Omit<DecidingPlace, 'to'>;

/** Finds the places in the files that had a part in what a message became; each file is read once. */
function decidingPlaces(
  definition: Pick<Definition, 'source' | 'folder'>,
): (decided: Decided) => Promise<readonly DecidingPlace[]> {
  const { written } = definition.source;
  const texts = new Map<string, Promise<string>>();
  const textIn = (file: string): Promise<string> => {
    const known = texts.get(file) ?? textOfFile(join(definition.folder, file));
    texts.set(file, known);
    return known;
  };
  const below = (file: string): string =>
    isAbsolute(file) ? relative(definition.folder, file) : file;
  const ofRule = (process: string, name: string): readonly Found[] => {
    const place = ruleIn(valueAt(written, ['processes', process, 'rules']), name)?.place;
    return place === undefined
      ? []
      : [{ what: 'rule', name, file: below(place.file), line: place.line }];
  };
  const ofTransform = async (name: string): Promise<readonly Found[]> => {
    const file = fileOf(written, 'transforms', name);
    if (file === undefined) return [];
    const text = await textIn(file);
    const looks = [...text.matchAll(LOOKUP)];
    const before = text.slice(0, looks[0]?.index ?? 0);
    const tables = [...new Set(looks.map(([, table = '']) => table))];
    return [
      { what: 'transform', name, file: below(file), line: before.split('\n').length },
      ...tables.flatMap((table): Found[] => {
        const at = fileOf(written, 'lookups', table);
        if (at !== undefined) return [{ what: 'lookup', name: table, file: below(at), line: 1 }];
        // one that is loaded from elsewhere: there, it says from where
        const block = valueAt(written, ['lookups', table]);
        if (block === undefined) return [];
        const { file: named, line: on } = placeAt(written, ['lookups', table]);
        return [{ what: 'lookup', name: table, file: below(named), line: on }];
      }),
    ];
  };
  return async ({ process, explain }) => {
    const failed = (explain?.rules ?? []).filter(({ result }) => result === 'error');
    const ways = [
      ...failed.map(({ rule }) => ({ to: undefined, rule, transform: undefined })),
      ...(explain?.sent ?? []),
    ];
    const found = new Map<string, Found & { readonly to: Set<string> }>();
    for (const { to, rule, transform } of ways) {
      const transforms = await Promise.all((transform?.split(', ') ?? []).map(ofTransform));
      for (const one of [...ofRule(process, rule), ...transforms.flat()]) {
        const key = `${one.what} ${one.name}`;
        const known = found.get(key) ?? { ...one, to: new Set<string>() };
        found.set(key, known);
        if (to !== undefined) known.to.add(to);
      }
    }
    return [...found.values()].map((one) => ({ ...one, to: [...one.to] }));
  };
}

/** How expressions name a table, also within quoted YAML and in code. */
const LOOKUP = /\blookup\(\s*\\?["']([\w.-]{1,100})\\?["']/g;

/** A rule by its name, also within sets. */
function ruleIn(rules: Written | undefined, name: string): Written | undefined {
  if (rules === undefined || rules.kind === 'scalar') return undefined;
  if (rules.kind === 'block') {
    const own = valueAt(rules, ['name']);
    if (own?.kind === 'scalar' && own.value === name) return rules;
  }
  const inner =
    rules.kind === 'list' ? rules.items : [...rules.entries.values()].map(({ value }) => value);
  for (const one of inner) {
    const found = ruleIn(one, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fileOf(
  written: Written,
  kind: 'transforms' | 'lookups',
  name: string,
): string | undefined {
  const value = valueAt(written, [kind, name]);
  return value?.kind === 'scalar' ? textOf(value) : undefined;
}

async function textOfFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // taken away since the production was read: then it names no tables
    return tolerate(error, isSystemError, 'reading a transform') ?? '';
  }
}
