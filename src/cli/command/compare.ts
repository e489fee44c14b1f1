import { join, relative } from 'node:path';
import { Command } from 'commander';
import { withSegmentEnds } from '../../definition/case/message-of.ts';
import { runMessage } from '../../definition/case/run-message.ts';
import type { Definition } from '../../definition/definition.ts';
import { describeProblem, suggestion } from '../../definition/problem.ts';
import { readProduction } from '../../definition/read.ts';
import { ConfigError } from '../../error/adapter-error.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import type { CallAnswer } from '../../flow/process-code.ts';
import { fileType } from '../../peer/folder/file-type.ts';
import { systemClock } from '../../time/clock.ts';
import { type Likeness, messagesIn, textOf } from '../comparable.ts';
import { contentOf, entriesIn, filesBelow } from '../compared-files.ts';
import { Comparison, type TargetComparison } from '../comparison.ts';
import { print, say } from '../output.ts';
import { type ReadingFlags, readingOptions, readOptions } from '../reading.ts';

interface CompareFlags extends ReadingFlags {
  readonly messages: string;
  readonly sent: string;
  readonly ignore: string;
  readonly exact?: boolean;
  readonly json?: boolean;
}

/** `waybill compare`: what the production makes of messages, against what another engine sent for them. */
export function compareCommand(): Command {
  return readingOptions(new Command('compare'))
    .description(
      'Runs messages through a production and compares what it sends with what another engine sent, target by target, in any order. Nothing is connected, stored or sent; calls are answered by an acceptance.',
    )
    .argument('<production>', 'its folder')
    .requiredOption('--messages <folder>', 'what came in: a folder for each service')
    .requiredOption('--sent <folder>', 'what the other engine sent: a folder for each target')
    .option('--ignore <places>', 'fields of HL7 that may differ', 'MSH-7,MSH-10')
    .option(
      '--exact',
      'byte for byte: also line ends, empty fields at an end, layout, order in JSON',
    )
    .option('--json', 'as JSON')
    .action(compare);
}

interface Report {
  readonly messages: number;
  readonly targets: readonly TargetComparison[];
  /** Why processes failed → how many messages, and one of them. */
  readonly failed: readonly {
    readonly why: string;
    readonly count: number;
    readonly from: string;
  }[];
  /** Targets that the production sends to, but of which nothing was given. */
  readonly notCompared: readonly string[];
  /** Files that are no UTF-8. */
  readonly latin: number;
}

async function compare(folder: string, flags: CompareFlags): Promise<void> {
  const { definition, problems } = await readProduction(folder, {
    ...readOptions(flags),
    assume: true,
  });
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  const places = flags.ignore.split(',').map((one) => one.trim());
  const wrong = places.find((one) => one !== '' && !/^[A-Z][A-Z0-9]{2}-\d+$/.test(one));
  if (wrong !== undefined)
    throw new EngineError('QUERY_INVALID', `--ignore ${wrong} is no field: write it like MSH-10`);
  const likeness = { ignore: places, exact: flags.exact === true };
  const report = await new CompareRun(definition, likeness).run(flags.messages, flags.sent);
  const isSame =
    report.failed.length === 0 &&
    report.targets.every((one) => isEqual(one)) &&
    report.messages > 0;
  if (!isSame) process.exitCode = 1;
  if (flags.json === true) return print(JSON.stringify({ same: isSame, ...report }));
  for (const line of told(report)) print(line);
  print(isSame ? 'both send the same' : 'they differ');
}

const isEqual = ({ different, missing, more }: TargetComparison): boolean =>
  different + missing.length + more.length === 0;

class CompareRun {
  readonly #definition: Definition;
  readonly #likeness: Likeness;
  readonly #targets = new Map<string, Comparison>();
  readonly #others = new Set<string>();
  readonly #failed = new Map<string, { count: number; readonly from: string }>();
  #latin = 0;
  #messages = 0;

  constructor(definition: Definition, likeness: Likeness) {
    this.#definition = definition;
    this.#likeness = likeness;
  }

  async run(messages: string, sent: string): Promise<Report> {
    const { services, operations, processes } = this.#definition;
    const targets = [...operations.keys(), ...processes.keys()];
    for (const { name, files } of await foldersOf(sent, targets, 'target')) {
      const comparison = new Comparison(name, this.#likeness);
      this.#targets.set(name, comparison);
      for (const file of files) {
        const parts = messagesIn(this.#text(await contentOf(file)));
        for (const text of parts) comparison.old({ from: relative('.', file), text });
      }
    }
    for (const { name, files } of await foldersOf(messages, [...services.keys()], 'service')) {
      for (const file of files) await this.#take(name, file);
    }
    return {
      messages: this.#messages,
      targets: [...this.#targets.values()].map((one) => one.result()),
      failed: [...this.#failed].map(([why, one]) => ({ why, ...one })),
      notCompared: [...this.#others],
      latin: this.#latin,
    };
  }

  #text(bytes: Uint8Array): string {
    const { text, isLatin } = textOf(bytes);
    if (isLatin) this.#latin += 1;
    return text;
  }

  async #take(service: string, file: string): Promise<void> {
    const bytes = await contentOf(file);
    const from = relative('.', file);
    const { text, isLatin } = textOf(bytes);
    for (const one of messagesIn(text)) {
      this.#messages += 1;
      if (this.#messages % 1_000 === 0) say(`${this.#messages} messages …`);
      const body = withSegmentEnds(Buffer.from(one, isLatin ? 'latin1' : 'utf8'));
      const given = { body, type: fileType(body, file), name: file.split(/[\\/]/).at(-1) };
      await this.#run(service, given, from);
    }
  }

  async #run(
    service: string,
    given: Parameters<typeof runMessage>[2],
    from: string,
  ): Promise<void> {
    try {
      const { processes, sent } = await runMessage(
        { definition: this.#definition, clock: systemClock, answer: (to) => this.#answer(to) },
        service,
        given,
      );
      const suspended = processes.filter(({ status }) => status === 'suspended');
      for (const { process, error } of suspended)
        this.#fail(`${process}: ${error?.text ?? 'suspended'}`, from);
      for (const one of sent) this.#sent(one.to, one.body, from);
    } catch (error) {
      this.#fail(describeError(error).text, from);
    }
  }

  #sent(target: string, body: Uint8Array, from: string): void {
    const comparison = this.#targets.get(target);
    if (comparison === undefined) this.#others.add(target);
    else comparison.new({ from, text: this.#text(body) });
  }

  #fail(why: string, from: string): void {
    const known = this.#failed.get(why);
    if (known === undefined) this.#failed.set(why, { count: 1, from });
    else known.count += 1;
  }

  #answer(target: string): CallAnswer {
    const isHl7 = this.#definition.operations.get(target)?.adapter.type === 'mllp-out';
    const body = isHl7 ? 'MSH|^~\\&|||||20260101||ACK|1|P|2.5\rMSA|AA|1\r' : '';
    return { status: 'completed', code: isHl7 ? 'AA' : undefined, body: Buffer.from(body) };
  }
}

interface Folder {
  readonly name: string;
  readonly files: readonly string[];
}

/** The folders in a folder, each of one host. Throws NOT_FOUND for a name that the production does not have. */
async function foldersOf(
  folder: string,
  known: readonly string[],
  what: string,
): Promise<readonly Folder[]> {
  const names = (await entriesIn(folder)).filter((one) => one.isFolder).map(({ name }) => name);
  if (names.length === 0)
    throw new EngineError(
      'NOT_FOUND',
      `${folder} has no folders: it needs one for each ${what}, named like it (${known.slice(0, 5).join(', ')})`,
    );
  for (const name of names) {
    if (known.includes(name)) continue;
    const remedy = suggestion(name, known, 'waybill check says what there is.');
    throw new EngineError(
      'NOT_FOUND',
      `${join(folder, name)}: there is no ${what} ${name}. ${remedy}`,
    );
  }
  const folders: Folder[] = [];
  for (const name of names) folders.push({ name, files: await filesBelow(join(folder, name)) });
  return folders;
}
/** The most examples that are told of one kind. */
const SHOWN = 20;

function* told({ messages, targets, failed, notCompared, latin }: Report): Iterable<string> {
  yield `${messages} messages`;
  for (const { target, same, different, differences, missing, more, doubled } of targets) {
    yield `${target}: ${same} the same, ${different} different, ${missing.length} missing, ${more.length} more${doubled > 0 ? ` (${doubled} doubled)` : ''}`;
    for (const { at, count, example } of differences.slice(0, SHOWN))
      yield `  ${count} × ${at}, such as ${example.from}: ${example.old ?? 'nothing'} → ${example.new ?? 'nothing'}`;
    yield* examples('missing', missing);
    yield* examples('more, of', more);
  }
  for (const { why, count, from } of failed) yield `${count} failed, such as ${from}: ${why}`;
  if (notCompared.length > 0)
    yield `not compared, since nothing that was sent there is given: ${notCompared.join(', ')}`;
  if (latin > 0) yield `${latin} bodies are no UTF-8 and were read as ISO-8859-1`;
}

function* examples(what: string, all: readonly string[]): Iterable<string> {
  for (const one of all.slice(0, SHOWN)) yield `  ${what} ${one}`;
  if (all.length > SHOWN) yield `  … and ${all.length - SHOWN}`;
}
