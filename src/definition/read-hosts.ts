import { createHash } from 'node:crypto';
import type { ReplyDefaults } from '../adapter/adapter.ts';
import { readFields, type Settings } from '../adapter/setting.ts';
import { nearest } from '../error/nearest.ts';
import type { ExpressionEnvironment } from '../expression/environment.ts';
import { readRuleSets } from '../rule/read-rule-sets.ts';
import type { RuleSet } from '../rule/rule.ts';
import type { RetryPolicy } from '../time/back-off.ts';
import { isInTurns } from '../time/schedule.ts';
import type {
  Line,
  LookupSource,
  OperationDefinition,
  ProcessDefinition,
  ServiceDefinition,
} from './definition.ts';
import type { Adapters } from './find-adapter.ts';
import { below, type Reading, report, reportBelow } from './form/form.ts';
import { givenFields, plain } from './form/setting-form.ts';
import { hostSettings, type OrderGiven, REPLY_WORDS } from './grammar/host-settings.ts';
import type {
  LookupEntry,
  OperationEntry,
  ProcessEntry,
  ServiceEntry,
} from './grammar/production-form.ts';
import { retryPolicy } from './grammar/retry-form.ts';
import { type ProductionNames, unknownProfile, unknownTarget, unknownTransform } from './names.ts';
import { splitProblem } from './problem.ts';
import { emptyBlock, pathText, shown, valueAt, type Written } from './written/written.ts';

/** A business service; undefined if it has problems, which are then reported. */
export function readService(
  entry: ServiceEntry,
  adapters: Adapters,
  reading: Reading,
): ServiceDefinition | undefined {
  const { value, written } = entry;
  checkCatchUp(entry, reading);
  const adapter = value.adapter === undefined ? undefined : adapters.inbound(value.adapter);
  const to = valueAt(written, ['to']);
  if (to?.kind === 'list' && to.items.length === 0) {
    report(below(reading, 'to'), to.place, 'names no target', 'Name a process or an operation.');
  }
  if (adapter === undefined) return undefined;
  const read = readAdapterSettings(adapter.settings, written, reading);
  if (read === undefined || value.to === undefined) return undefined;
  return {
    ...value,
    kind: 'service',
    name: entry.name,
    place: entry.place,
    adapter,
    ...read,
    to: value.to,
  };
}

/** A business operation; undefined if it has problems, which are then reported. */
export function readOperation(
  entry: OperationEntry,
  adapters: Adapters,
  reading: Reading,
): OperationDefinition | undefined {
  const { value, written } = entry;
  checkCatchUp(entry, reading);
  const line = readLine(value, written, reading);
  const adapter = value.adapter === undefined ? undefined : adapters.outbound(value.adapter);
  if (adapter === undefined) return undefined;
  const read = readAdapterSettings(adapter.settings, written, reading);
  if (read === undefined) return undefined;
  const replies = Object.fromEntries(
    [...(value.replies ?? [])].map(([key, { value: actions }]) => [key, actions]),
  );
  const retry = retryPolicy(value.retry, adapter.retry);
  warnOfNoRetry(entry, retry, reading);
  warnOfMisspelled(entry, adapter.replies, reading);
  warnOfOwnAnswers(entry, reading);
  return {
    ...value,
    kind: 'operation',
    name: entry.name,
    place: entry.place,
    adapter,
    ...read,
    ...line,
    retry,
    replies,
  };
}

/** A weekly pattern says when a host is on, and has no times that could be missed. */
function checkCatchUp(
  { value: { schedule, catchUp }, written }: ServiceEntry | ProcessEntry | OperationEntry,
  reading: Reading,
): void {
  if (catchUp === undefined || (schedule !== undefined && isInTurns(schedule))) return;
  const what = 'only times of a schedule by cron can be made up for, so catchUp has no effect';
  const remedy = 'Write a schedule such as cron 30 2 * * * for 10m, or remove it.';
  reportBelow(reading, written, { keys: ['catchUp'], what, remedy });
}

/** An operation that sends its own answers again would never end while its peer answers. */
function warnOfOwnAnswers(
  { name, place, value }: OperationEntry,
  { problems, keys }: Reading,
): void {
  for (const key of ['answersTo', 'refusalsTo'] as const) {
    if (!value[key].includes(name)) continue;
    const what = `${name} would send each answer again, and the answer to that`;
    problems.error(place, pathText([...keys, key]), what, 'Name another target.');
  }
}

/** If nothing is ever retried, `retry` as an action means the action after it, or a failure. */
function warnOfNoRetry(
  { value: { replies } }: OperationEntry,
  retry: RetryPolicy,
  { problems, keys }: Reading,
): void {
  if (retry.for > 0) return;
  for (const { name, value: actions, place } of replies?.values() ?? []) {
    if (![actions].flat().includes('retry')) continue;
    const what = 'nothing is retried, since retry says for: 0s';
    const remedy = 'Raise for, or write another action.';
    problems.warning(place, pathText([...keys, 'replies', name]), what, remedy);
  }
}

/** A code in lower case, as many web services have, or a misspelled word of ours: only a person can tell. */
function warnOfMisspelled(
  { value: { replies } }: OperationEntry,
  defaults: ReplyDefaults = {},
  { problems, keys }: Reading,
): void {
  for (const { name, place } of replies?.values() ?? []) {
    const isKnown = REPLY_WORDS.includes(name) || Object.hasOwn(defaults, name);
    const word = isKnown || !/^[a-z]/.test(name) ? undefined : nearest(name, REPLY_WORDS);
    if (/^failure[:~]/.test(name)) continue;
    const code = isKnown ? undefined : inOtherCase(name, defaults);
    if (code !== undefined) {
      const what = `a peer that answers ${code} does not fit it, since capital and small letters differ`;
      problems.warning(
        place,
        pathText([...keys, 'replies', name]),
        what,
        `If you meant ${code}, write it so.`,
      );
      continue;
    }
    if (word === undefined) continue;
    const what = `it is taken as a code of the peer, not as the word ${word}`;
    problems.warning(
      place,
      pathText([...keys, 'replies', name]),
      what,
      `If you meant ${word}, correct it.`,
    );
  }
}

/** A code of HL7, of DICOM or of the adapter that is written in other letters: `ae`, `a7xx`, `Accepted`. */
function inOtherCase(name: string, defaults: ReplyDefaults): string | undefined {
  const upper = name.toUpperCase();
  if (name !== upper && /^[AC][AER]$/.test(upper)) return upper;
  return Object.keys(defaults).find(
    (key) => !REPLY_WORDS.includes(key) && key.toLowerCase() === name.toLowerCase(),
  );
}

export interface ProcessReading {
  readonly names: ProductionNames;
  readonly language: ExpressionEnvironment;
}

const INLINE: Line = { pool: 1, order: 'fifo' };

/** A business process; undefined if it has problems, which are then reported. */
export function readProcess(
  entry: ProcessEntry,
  { names, language }: ProcessReading,
  reading: Reading,
): ProcessDefinition | undefined {
  const { value, written } = entry;
  const { rules, code, collect } = value;
  checkWork(entry, reading);
  checkCatchUp(entry, reading);
  const { invalid } = value;
  const unknown = invalid === 'suspend' ? undefined : unknownTarget(invalid, names);
  if (unknown !== undefined) {
    reportBelow(reading, written, { keys: ['invalid'], ...splitProblem(unknown) });
  }
  checkProfiles(entry, names, reading);
  const run = value.run ?? (code === undefined && collect === undefined ? 'inline' : 'queued');
  if (run === 'inline') reportQueueKeys(entry, reading);
  else reportDisconnected(entry, reading);
  const line = run === 'inline' ? INLINE : readLine(value, written, reading);
  return {
    ...value,
    kind: 'process',
    name: entry.name,
    place: entry.place,
    run,
    rules: rules === undefined ? [] : ruleSets(entry, { names, language }, reading),
    ...line,
    whileWaiting: value.whileWaiting ?? (line.order === 'none' ? 'release' : 'hold'),
    retry: retryPolicy(value.retry, undefined),
  };
}

function checkProfiles(
  { value: { profile = [] }, written }: ProcessEntry,
  names: ProductionNames,
  reading: Reading,
): void {
  const isList = valueAt(written, ['profile'])?.kind === 'list';
  for (const [index, name] of profile.entries()) {
    const wrong = unknownProfile(name, names);
    if (wrong === undefined) continue;
    const keys = isList ? ['profile', index] : ['profile'];
    reportBelow(reading, written, { keys, ...splitProblem(wrong) });
  }
}

/** A process is a router, code or a collector, and says so once. */
function checkWork(entry: ProcessEntry, reading: Reading): void {
  const { value, written, place } = entry;
  const { rules, to } = value;
  const works = WORKS.filter((key) => value[key] !== undefined);
  if (works.length !== 1) {
    const what =
      works.length === 0
        ? 'needs rules, code or collect'
        : `cannot have both ${works.slice(0, 2).join(' and ')}`;
    const remedy =
      'A router has rules, a process in TypeScript code, and one that makes one message of several collect.';
    report(reading, place, what, remedy);
  }
  if (value.collect !== undefined) checkCollect(entry, reading);
  if (value.receives !== undefined) checkReceives(entry, reading);
  for (const key of rules === undefined ? CHECKS_OF_RULES : []) {
    if (valueAt(written, [key]) === undefined) continue;
    const what = `only a router, which has rules, checks messages, so ${key} has no effect`;
    const remedy = 'Remove it, and put a router with it in front.';
    reportBelow(reading, written, { keys: [key], what, remedy });
  }
  if (rules !== undefined && to !== undefined) {
    const what = 'the rules say where they send, so to has no effect';
    reportBelow(reading, written, { keys: ['to'], what, remedy: 'Remove it.' });
  }
}

const CHECKS_OF_RULES = ['validate', 'fhirVersion', 'profile', 'invalid'];
const WORKS = ['rules', 'code', 'collect'] as const;
/** Milliseconds that messages may be collected at most: a batch that never ends would keep them for ever. */
const LONGEST = 366 * 86_400_000;
const LARGEST = 32 * 1024 * 1024;

function checkCollect({ value, written, place }: ProcessEntry, reading: Reading): void {
  const { to, run, whileWaiting, collect } = value;
  if (to === undefined || to.length === 0) {
    report(reading, place, 'collects and sends nowhere', 'Write to: with a process or operation.');
  }
  if (run === 'inline') {
    const what = 'what is collected waits, and an inline process cannot wait';
    reportBelow(reading, written, { keys: ['run'], what, remedy: 'Remove it.' });
  }
  if (whileWaiting !== undefined) {
    const what = 'a message that is collected holds up no others, so whileWaiting has no effect';
    reportBelow(reading, written, { keys: ['whileWaiting'], what, remedy: 'Remove it.' });
  }
  if (collect !== undefined && !(collect.within > 0 && collect.within <= LONGEST)) {
    const remedy = 'Write a time of up to a year, such as 24h.';
    reportBelow(reading, written, { keys: ['collect', 'within'], what: 'must end', remedy });
  }
  if (collect !== undefined && !(collect.size > 0 && collect.size <= LARGEST)) {
    const remedy = 'Write a size of up to 32MB; targets read a message as a whole.';
    reportBelow(reading, written, { keys: ['collect', 'size'], what: 'is too large', remedy });
  }
}

/** A line that is held would never get to the message that is waited for. */
function checkReceives({ value, written }: ProcessEntry, reading: Reading): void {
  const { code, run, order, whileWaiting, receives } = value;
  const refuse = (keys: readonly string[], what: string, remedy: string): void =>
    reportBelow(reading, written, { keys, what, remedy });
  if (code === undefined) {
    refuse(['receives'], 'has no effect without code', 'Remove it; only context.receive uses it.');
  } else if (run === 'inline') {
    refuse(['run'], 'an inline process cannot wait for a message', 'Remove it.');
  } else if ((whileWaiting ?? (order === 'none' ? 'release' : 'hold')) === 'hold') {
    const what = 'a line that waits never gets to the message that it waits for';
    refuse(['receives'], what, 'Write whileWaiting: release, or order: none.');
  }
  if (receives !== undefined && !(receives.keep <= LONGEST)) {
    refuse(['receives', 'keep'], 'must end', 'Write a time of up to a year, such as 10m.');
  }
}

function ruleSets(
  { written }: ProcessEntry,
  { names, language }: ProcessReading,
  hostReading: Reading,
): RuleSet[] {
  const rules = valueAt(written, ['rules']);
  if (rules === undefined) return [];
  const reading = below(hostReading, 'rules');
  return readRuleSets(plain(rules), [], {
    environment: language,
    problem: (keys, text, offset) =>
      reportBelow(reading, rules, { keys, offset, ...splitProblem(text) }),
    unknown: (kind, name) =>
      kind === 'target' ? unknownTarget(name, names) : unknownTransform(name, names),
  });
}

/** An inline process has no queue, so settings of a queue would be silently ignored. */
function reportQueueKeys({ written }: ProcessEntry, reading: Reading): void {
  for (const [key, { ofQueue }] of Object.entries(hostSettings.process)) {
    if (ofQueue !== true || valueAt(written, [key]) === undefined) continue;
    const what = `an inline process has no queue, so ${key} has no effect`;
    reportBelow(reading, written, {
      keys: [key],
      what,
      remedy: 'Remove it, or write run: queued.',
    });
  }
}

/** A process has no connection to wait for. */
function reportDisconnected({ written }: ProcessEntry, reading: Reading): void {
  const keys = ['retry', 'disconnected'];
  if (valueAt(written, keys) === undefined) return;
  const what = 'a process has no connection, so disconnected has no effect';
  reportBelow(reading, written, { keys, what, remedy: 'Remove it; for says how long to try.' });
}

/** Where a table is loaded from; undefined for a file, or if there are problems, which are then reported. */
export function readLookup(
  { name, value, written, place }: LookupEntry,
  adapters: Adapters,
  reading: Reading,
): LookupSource | undefined {
  if (typeof value === 'string' || value.adapter === undefined) return undefined;
  const adapter = adapters.lookup(value.adapter);
  if (adapter === undefined) return undefined;
  const read = readAdapterSettings(adapter.settings, written, reading);
  if (read === undefined) return undefined;
  const question = createHash('sha256')
    .update(JSON.stringify([adapter.type, read.given]))
    .digest('base64url');
  return { name, place, adapter, ...read, every: value.every, question };
}

interface LineGiven {
  readonly pool?: number | undefined;
  readonly order?: OrderGiven | undefined;
}

/** Decides `pool` and `order`, after reporting contradictions between the two. */
function readLine({ pool, order }: LineGiven, host: Written, hostReading: Reading): Line {
  const { problems, keys } = below(hostReading, 'pool');
  const place = valueAt(host, ['pool'])?.place ?? host.place;
  const path = pathText(keys);
  if (typeof order === 'object') {
    const what = 'pool has no effect with by-key: each line has one message at a time';
    const remedy = 'Remove it; partitions says how many are sent at once.';
    if (pool !== undefined) problems.warning(place, path, what, remedy);
    const { 'by-key': byKey, partitions } = order;
    return { pool: 1, order: byKey === undefined ? 'fifo' : { byKey, partitions } };
  }
  if (pool === undefined || pool === 1) return { pool: 1, order: order ?? 'fifo' };
  if (order === 'fifo') {
    const remedy = 'Write order: none, or { by-key: field("PID-3.1") } for an order per patient.';
    problems.error(place, path, `a pool of ${pool} cannot keep the order`, remedy);
  } else if (order === undefined) {
    const what = `with a pool of ${pool}, messages may overtake each other`;
    problems.warning(place, path, what, 'Write order: none to confirm that.');
  }
  return { pool, order: order ?? 'none' };
}

/** Reads the settings of a host, following the declaration of its adapter. `reading` is that of the host. */
function readAdapterSettings(
  declared: Settings,
  host: Written,
  hostReading: Reading,
): Pick<ServiceDefinition, 'settings' | 'given'> | undefined {
  const written = valueAt(host, ['settings']) ?? emptyBlock(host.place);
  const reading = below(hostReading, 'settings');
  if (written.kind === 'list' || (written.kind === 'scalar' && written.value !== null)) {
    return report(reading, written.place, 'must be a block of settings');
  }
  const read = readFields(declared, givenFields(declared, written), reading.context);
  if (read.ok) {
    const given = written.kind === 'block' ? (shown(written) as Record<string, unknown>) : {};
    return { settings: read.value, given };
  }
  for (const { path, problem, offset } of read.problems) {
    reportBelow(reading, written, { keys: path, offset, ...splitProblem(problem) });
  }
  return undefined;
}
