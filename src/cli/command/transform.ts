import { readFile, writeFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import { credentials } from '../../credential/credentials.ts';
import { namedJwtKeys } from '../../credential/jwt/token-keys.ts';
import { withSegmentEnds } from '../../definition/case/message-of.ts';
import type { Definition } from '../../definition/definition.ts';
import { describeProblem, suggestion } from '../../definition/problem.ts';
import { readProduction } from '../../definition/read.ts';
import {
  charsetNamed,
  type Document,
  decodeFaithfully,
  documentOf,
  hasSegments,
  kindOf,
  SegmentDocument,
} from '../../document/index.ts';
import { ConfigError } from '../../error/adapter-error.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { silentLogger } from '../../log/logger.ts';
import { fileType } from '../../peer/folder/file-type.ts';
import { START } from '../../transform/declarative-transform.ts';
import { plainType } from '../../transform/made-facts.ts';
import type { TransformOutput, WatchedInput } from '../../transform/transform.ts';
import { transformChain } from '../../transform/transform-chain.ts';
import { type BodyDifferences, bodyDifferences } from '../body-differences.ts';
import { print, say } from '../output.ts';
import { type ReadingFlags, readingOptions, readOptions } from '../reading.ts';

interface TransformFlags extends ReadingFlags {
  readonly production: string;
  readonly type?: string;
  readonly diff?: boolean;
  readonly steps?: boolean;
  readonly output?: string;
  readonly json?: boolean;
}

/** `waybill transform <name> [message]`: what a transform makes of a message, and what each step did. */
export function transformCommand(): Command {
  return readingOptions(new Command('transform'))
    .description(
      'Runs a transform on a message in a file and prints what it makes. Nothing is connected, stored or sent; tables that are loaded from a database are empty.',
    )
    .argument('<name>', 'of the transform; several as in a rule, with commas: read,to-ward')
    .argument('[message]', 'its file; standard input if left out, or -')
    .option('--production <folder>', 'the folder of the production', '.')
    .option('--type <type>', 'of the message, if it is not seen from it: text/csv')
    .option('--diff', 'only what differs from the message: fields, or lines')
    .option('--steps', 'what each step changed, on standard error')
    .option(
      '--output <file>',
      'write the new message there, byte for byte; further ones get numbers',
    )
    .option('--json', 'as JSON')
    .action(transform);
}

/** What one step did to the new message. */
interface StepNote {
  readonly step: string;
  readonly changes: BodyDifferences;
}

async function transform(
  name: string,
  file: string | undefined,
  flags: TransformFlags,
): Promise<void> {
  const options = { ...readOptions(flags), assume: true };
  const { definition, problems } = await readProduction(flags.production, options);
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  const message = await given(file, flags.type);
  const { outputs, steps } = await run(definition, name, message);
  if (flags.output !== undefined) await writeAll(flags.output, outputs);
  const made = outputs.map((output) => ({ output, differences: differences(message, output) }));
  const noted = flags.steps === true ? steps : undefined;
  if (flags.json === true) return print(JSON.stringify(summary(made, noted, flags)));
  for (const note of noted ?? []) sayNote(note);
  tell(made, flags);
}

interface Made {
  readonly output: TransformOutput;
  readonly differences: BodyDifferences;
}

function summary(
  made: readonly Made[],
  steps: readonly StepNote[] | undefined,
  { diff }: TransformFlags,
) {
  const messages = made.map(({ output, differences: { places, more } }) => ({
    ...shown(output, textOf(output)),
    ...(diff === true ? { differences: places, more } : {}),
  }));
  return { messages, steps };
}

function tell(made: readonly Made[], { diff, output: file }: TransformFlags): void {
  if (made.length === 0) say('the transform makes no message of it');
  for (const [at, { output, differences: found }] of made.entries()) {
    if (made.length > 1) say(`message ${at + 1} of ${made.length}, ${output.type}`);
    if (diff === true) for (const line of differenceLines(found)) print(line);
    else if (file === undefined) print(textOf(output));
  }
}

interface GivenMessage {
  readonly body: Uint8Array;
  readonly type: string;
  readonly name: string | undefined;
}

async function given(file: string | undefined, type: string | undefined): Promise<GivenMessage> {
  const isInput = file === undefined || file === '-';
  const bytes = await (isInput ? buffer(process.stdin) : readFile(file)).catch((error: unknown) => {
    const { text } = describeError(error);
    throw new EngineError('NOT_FOUND', `the message cannot be read: ${text}`, { cause: error });
  });
  if (bytes.byteLength === 0) throw new EngineError('NOT_FOUND', 'the message is empty');
  const body = withSegmentEnds(bytes);
  const name = isInput ? undefined : basename(file);
  return { body, type: type ?? fileType(body, name ?? ''), name };
}

async function run(
  { transforms, lookups, credentials: entries, folder }: Definition,
  names: string,
  message: GivenMessage,
): Promise<{ readonly outputs: readonly TransformOutput[]; readonly steps: readonly StepNote[] }> {
  const chain = names.split(',').map((name) => {
    const found = transforms.get(name.trim());
    if (found !== undefined) return found;
    const remedy = suggestion(name, transforms.keys(), 'waybill check says what there is.');
    throw new EngineError('NOT_FOUND', `there is no transform ${name}. ${remedy}`);
  });
  const { body, type, name } = message;
  const known = credentials(entries, { folder, log: silentLogger });
  const steps = new StepNotes();
  const now = Date.now();
  const envelope = { id: 1, sessionId: 1, source: '', target: '', created: now, received: now };
  const input: WatchedInput = {
    message: { ...envelope, type, name, size: body.byteLength },
    document: documentOf(body, { type }),
    lookup: (table, key, otherwise) => lookups.lookup(table, key, otherwise),
    now: () => now,
    jwt: namedJwtKeys(known),
    watch: (step, target) => steps.note(step, target),
  };
  return { outputs: await transformChain(chain).apply(input), steps: steps.all };
}

/** The most steps that are noted, those in loops each time. */
const NOTED = 500;

/** Compares the new message before and after each step. */
class StepNotes {
  readonly all: StepNote[] = [];
  #before: Uint8Array = new Uint8Array();

  note(step: string, target: Document): void {
    if (this.all.length >= NOTED) return;
    const bytes = target.bytes();
    if (step !== START) {
      const reading = { type: plainType(target.kind), charset: undefined };
      const changes = bodyDifferences({ bytes: this.#before, ...reading }, { bytes, ...reading });
      this.all.push({ step, changes });
    }
    this.#before = bytes;
  }
}

function sayNote({ step, changes }: StepNote): void {
  const lines = differenceLines(changes);
  say(step);
  for (const line of lines.length === 0 ? ['changes nothing'] : lines) say(`    ${line}`);
}

const differences = (before: GivenMessage, after: TransformOutput): BodyDifferences =>
  bodyDifferences(
    { bytes: before.body, type: before.type, charset: undefined },
    { bytes: after.body, type: after.type, charset: after.charset },
  );

function differenceLines({ places, more }: BodyDifferences): string[] {
  const lines = places.map(({ at, before, after }) => {
    if (before === undefined) return `+ ${at}: ${after ?? ''}`;
    return after === undefined ? `- ${at}: ${before}` : `~ ${at}: ${before} → ${after}`;
  });
  return more === 0 ? lines : [...lines, `… and ${more} more places`];
}

const shown = ({ body: _, ...output }: TransformOutput, text: string) => ({ ...output, text });

/** For reading: segments of HL7 each on a line. */
function textOf({ body, type, charset }: TransformOutput): string {
  const kind = kindOf(type);
  const document = hasSegments(kind) ? documentOf(body, { type, charset }) : undefined;
  const own = document instanceof SegmentDocument ? document.charset : charsetNamed(charset);
  const { text } = decodeFaithfully(body, own);
  return kind === 'hl7' ? text.replaceAll('\r', '\n').trimEnd() : text;
}

/** `ward.hl7`, `ward-2.hl7`, … */
async function writeAll(file: string, outputs: readonly TransformOutput[]): Promise<void> {
  const ending = extname(file);
  const stem = ending === '' ? file : file.slice(0, -ending.length);
  for (const [at, { body }] of outputs.entries()) {
    await writeFile(at === 0 ? file : `${stem}-${at + 1}${ending}`, body);
  }
}
