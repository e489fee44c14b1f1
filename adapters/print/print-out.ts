import { LRUCache } from 'lru-cache';
import {
  EngineError,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  pause,
  type Reply,
} from 'waybill/adapter';
import { UnderWay } from 'waybill/peer/basics';
import { isRefusal, statusCode, statusName } from './ipp-status.ts';
import { type PrintValues, printSettings } from './print-settings.ts';
import { tryPrinter } from './print-test.ts';
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
