import { LRUCache } from 'lru-cache';
import {
  EngineError,
  explained,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  pause,
  type Reply,
  type Step,
  StepFailure,
} from 'waybill/adapter';
import { probe, UnderWay } from 'waybill/peer/basics';
import { tryReaching } from 'waybill/peer/http';
import type { IppGroup } from './ipp.ts';
import { isRefusal, statusCode, statusName } from './ipp.ts';
import { clientValues, type PrintValues, printSettings, webAddress } from './print-settings.ts';
import { idOf, JOB, type JobState, Printer } from './printer.ts';

type PrintLent = Lent<typeof printSettings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'print-out',
  title: 'Printing (IPP)',
  summary:
    'Prints each message on a printer or the queue of a print server, and follows the job to its end.',
  settings: printSettings,
  replies: {
    ACCEPTED: 'complete',
    COMPLETED: 'complete',
    ABORTED: AGAIN,
    // somebody did so
    CANCELED: 'suspend',
    HELD: ['warn', 'complete'],
    // sent again, it might be printed twice
    WAITING: 'suspend',
    E0405: AGAIN,
    E04xx: 'fail',
    E0501: 'fail',
    E0503: 'fail',
    E05xx: AGAIN,
    none: AGAIN,
    other: 'fail',
  },
  async open(lent) {
    return new PrintSender(lent, await Printer.open(lent, lent.settings));
  },
  test: (lent, step) => tryPrinter(lent, step),
});

/** Milliseconds between two looks at a job. */
const FIRST_LOOK = 100;
const LONGEST_LOOK = 5_000;

/** Messages whose job may be at the printer already: only this process knows. */
const SENT = new WeakMap<object, LRUCache<number, true>>();

class PrintSender implements OpenOutbound {
  readonly #lent: PrintLent;
  readonly #printer: Printer;
  readonly #sending = new UnderWay();
  readonly #sent: LRUCache<number, true>;

  constructor(lent: PrintLent, printer: Printer) {
    this.#lent = lent;
    this.#printer = printer;
    this.#sent = SENT.get(lent.settings) ?? new LRUCache({ max: 10_000 });
    SENT.set(lent.settings, this.#sent);
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    return await this.#sending.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#sending.ended();
    await this.#printer.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const name = await jobName(message, this.#lent.settings);
    const before = await this.#sentBefore(message, name, signal);
    if (before !== undefined) return await this.#followed(before, message, signal);
    this.#sent.set(message.id, true);
    const format = formatOf(message, this.#lent.settings);
    const { status, operation, jobs } = await this.#printer.print(name, format, {
      document: message.body,
      signal,
    });
    if (isRefusal(status)) {
      this.#sent.delete(message.id);
      return verdict(statusCode(status), refusalText(status, operation['status-message'], format));
    }
    const id = idOf(jobs[0]);
    this.#lent.connection('connected', this.#printer.place);
    if (id === undefined || this.#lent.settings.follow === 'accepted') {
      this.#sent.delete(message.id);
      return verdict('ACCEPTED', `job ${id ?? 'without a number'}`);
    }
    return await this.#followed(id, message, signal);
  }

  /** A job that an earlier try made, whose answer we do not have: it must not be printed twice. */
  async #sentBefore(
    { id, possibleDuplicate }: Message,
    name: string,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    if (possibleDuplicate !== true && !this.#sent.has(id)) return undefined;
    return await this.#printer.findJob(name, signal);
  }

  async #followed(job: number, message: Message, signal: AbortSignal): Promise<Reply> {
    const { jobTimeout } = this.#lent.settings;
    const end = performance.now() + jobTimeout;
    let last: JobState | undefined;
    for (let wait = FIRST_LOOK; performance.now() < end; wait = Math.min(wait * 2, LONGEST_LOOK)) {
      const state = await this.#look(job, signal);
      // a printer that has forgotten the job is done with it
      if (state === 'gone') return this.#done(message, 'COMPLETED', `job ${job}, gone since`);
      const ended = state && ENDED[state.state];
      if (ended !== undefined) return this.#done(message, ended, told(job, state));
      last = state ?? last;
      await pause(Math.min(wait, Math.max(1, end - performance.now())), signal);
      signal.throwIfAborted();
    }
    const code = last?.state === JOB.held ? 'HELD' : 'WAITING';
    const text = last === undefined ? `job ${job}, whose state is not known` : told(job, last);
    return this.#done(message, code, text);
  }

  /** Undefined if the printer cannot be asked at the moment: it has the job, so only its state is unknown. */
  async #look(job: number, signal: AbortSignal): Promise<JobState | 'gone' | undefined> {
    try {
      return (await this.#printer.jobState(job, signal)) ?? 'gone';
    } catch (error) {
      if (signal.aborted || !(error instanceof EngineError) || !error.retryable) throw error;
      return undefined;
    }
  }

  /** What was aborted is printed anew by the next try. */
  #done({ id }: Message, code: string, text: string): Reply {
    this.#sent.delete(id);
    return verdict(code, text);
  }
}

const ENDED: Readonly<Record<number, string>> = {
  [JOB.canceled]: 'CANCELED',
  [JOB.aborted]: 'ABORTED',
  [JOB.completed]: 'COMPLETED',
};

function told(job: number, state: JobState | undefined): string {
  const reasons = state?.reasons ?? [];
  return `job ${job}${reasons.length > 0 ? `: ${reasons.join(', ')}` : ''}`;
}

const verdict = (code: string, text: string): Reply => ({
  body: Buffer.from(text),
  type: 'text/plain',
  code,
  text,
});

function refusalText(
  status: number,
  said: readonly (string | number | boolean)[] | undefined,
  format: string,
): string {
  const words = said?.[0] === undefined ? '' : `: ${String(said[0])}`;
  const about = /format/.test(statusName(status)) ? ` (${format})` : '';
  return `${statusName(status)}${about}${words}`;
}

/** IPP has no longer names (RFC 8011 §5.1.3). */
const LONGEST_NAME = 255;

/** The name of the job, always with the number of the message. */
async function jobName(message: Message, { name }: PrintValues): Promise<string> {
  const id = String(message.id);
  const text = (await name.render(message)).replaceAll(/\p{Cc}/gu, ' ').trim();
  const whole = text.includes(id) ? text : `${text} ${id}`.trim();
  return Buffer.byteLength(whole) <= LONGEST_NAME ? whole : `Waybill ${id}`;
}

/** A media type as it is; HL7, X12 and the like are texts. */
export function formatOf(
  { type, charset }: Pick<Message, 'type' | 'charset'>,
  { format }: PrintValues,
): string {
  if (format !== undefined) return format;
  const isMedia = /^[\w.+-]+\/[\w.+-]+$/.test(type);
  const isText = !isMedia || type.startsWith('text/');
  if (!isText) return type;
  return `${isMedia ? type : 'text/plain'};charset=${(charset ?? 'utf-8').toLowerCase()}`;
}

/** RFC 8011 §5.4.11. */
const STOPPED = 5;

/** Name, TCP, TLS, what the printer says of itself, and whether it would take a job: nothing is printed. */
async function tryPrinter(lent: Lent<typeof printSettings>, step: Step): Promise<void> {
  const { settings, signal } = lent;
  await reach(lent, step);
  const printer = await Printer.open(lent, settings);
  try {
    await step('printer', (detail) =>
      explained(async () => {
        const { status, printer: facts } = await printer.facts(signal);
        if (isRefusal(status))
          throw new StepFailure(
            `there is no such printer or queue (${statusName(status)})`,
            'Correct the path of url',
          );
        detail(describe(facts));
        checkFacts(facts, settings);
      }),
    );
    await step('job', (detail) =>
      explained(async () => {
        const format = settings.format ?? 'application/octet-stream';
        const { status } = await printer.validate('Waybill', format, signal);
        if (isRefusal(status)) {
          throw new StepFailure(
            `the printer would not take a job (${statusName(status)})`,
            'Check format, media, sides and copies against what it can, and whether the account may print',
          );
        }
        detail(`a job of ${format} would be taken`);
      }),
    );
  } finally {
    await printer.close();
  }
}

async function reach(lent: Lent<typeof printSettings>, step: Step): Promise<void> {
  const { settings } = lent;
  const url = webAddress(settings.url);
  if (url.protocol === 'https:') {
    await tryReaching(lent, step, { url, values: clientValues(settings) });
    return;
  }
  const { hostname, port } = settings.proxy ?? url;
  const address = { host: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port) || 80 };
  // print servers take TLS on the same port, which says nothing of plain text
  await probe(lent, step, { address, silent: true, hello: false });
}

const textsOf = (facts: IppGroup, name: string): readonly string[] =>
  (facts[name] ?? []).map((one) =>
    String(one)
      .replaceAll(/\p{Cc}/gu, '?')
      .slice(0, 100),
  );

function describe(facts: IppGroup): string {
  const [model = 'a printer'] = textsOf(facts, 'printer-make-and-model');
  const formats = textsOf(facts, 'document-format-supported');
  const usual = USUAL.filter((one) => formats.includes(one));
  return `${model}; takes ${usual.join(', ') || `${formats.length} formats`}`;
}

const USUAL = ['application/pdf', 'application/postscript', 'text/plain', 'image/jpeg'];

function checkFacts(facts: IppGroup, { format }: PrintValues): void {
  const reasons = textsOf(facts, 'printer-state-reasons').filter((one) => one !== 'none');
  if (facts['printer-is-accepting-jobs']?.[0] === false) {
    throw new StepFailure(
      `the printer takes no jobs at the moment (${reasons.join(', ') || 'it gives no reason'})`,
      'Have it switched to accepting jobs, with CUPS by cupsaccept',
    );
  }
  if (facts['printer-state']?.[0] === STOPPED) {
    throw new StepFailure(
      `the printer is stopped (${reasons.join(', ') || 'it gives no reason'})`,
      'See to what it names, such as paper or a jam, and start it again, with CUPS by cupsenable',
    );
  }
  const formats = textsOf(facts, 'document-format-supported');
  if (format === undefined || formats.length === 0 || formats.includes(format)) return;
  throw new StepFailure(
    `the printer does not take ${format}`,
    `Set format to one of those that it takes: ${formats.slice(0, 20).join(', ')}`,
  );
}
