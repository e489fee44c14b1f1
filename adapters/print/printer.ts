import {
  type Body,
  DisableError,
  inlineBody,
  type Lent,
  NotConnectedError,
  type setting,
  TemporaryError,
} from 'waybill/adapter';
import { type HttpAnswer, HttpClient, placeOfUrl } from 'waybill/peer/http';
import {
  decodeResponse,
  encodeRequest,
  type IppAttribute,
  type IppGroup,
  type IppResponse,
  OPERATION,
} from './ipp.ts';
import { clientValues, type PrintValues, webAddress } from './print-settings.ts';

export type PrinterLent = Pick<Lent<setting.Settings>, 'credential' | 'connection' | 'signal'>;

/** Where a job is: RFC 8011 §5.3.7, with the reasons in the printer's keywords. */
export interface JobState {
  readonly state: number;
  readonly reasons: readonly string[];
}

/** States of a job after which nothing more comes, and one that waits for a person. */
export const JOB = { held: 4, stopped: 6, canceled: 7, aborted: 8, completed: 9 } as const;

const JOB_ATTRIBUTES: IppAttribute = {
  name: 'requested-attributes',
  syntax: 'keyword',
  values: [
    'job-id',
    'job-name',
    'job-state',
    'job-state-reasons',
    // CUPS leaves out the name of a job whose file it has put away, unless something is asked that stands only there
    'document-format-supplied',
  ],
};

/** One printer, or one queue of a print server, by IPP over HTTP. */
export class Printer {
  readonly #client: HttpClient;
  readonly #settings: PrintValues;
  readonly #web: URL;
  readonly place: string;
  #requests = 0;

  private constructor(client: HttpClient, settings: PrintValues) {
    this.#client = client;
    this.#settings = settings;
    this.#web = webAddress(settings.url);
    this.place = placeOfUrl(this.#web);
  }

  static async open(lent: PrinterLent, settings: PrintValues): Promise<Printer> {
    return new Printer(await HttpClient.open(lent, clientValues(settings)), settings);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** What the printer says of itself. */
  facts(signal: AbortSignal): Promise<IppResponse> {
    const names = [
      'printer-make-and-model',
      'printer-state',
      'printer-state-reasons',
      'printer-is-accepting-jobs',
      'document-format-supported',
    ];
    const wanted: IppAttribute = { name: 'requested-attributes', syntax: 'keyword', values: names };
    return this.#ask(OPERATION.getPrinterAttributes, [this.#user(), wanted], { signal });
  }

  /** Has the printer check a job without printing anything. */
  validate(name: string, format: string, signal: AbortSignal): Promise<IppResponse> {
    return this.#ask(OPERATION.validateJob, this.#jobOf(name, format), {
      signal,
      job: this.#paper(),
    });
  }

  print(name: string, format: string, sent: Sent): Promise<IppResponse> {
    return this.#ask(OPERATION.printJob, this.#jobOf(name, format), {
      ...sent,
      job: this.#paper(),
    });
  }

  /** The state of a job; undefined if the printer does not know it any more. */
  async jobState(id: number, signal: AbortSignal): Promise<JobState | undefined> {
    const wanted = [this.#job(id), this.#user(), JOB_ATTRIBUTES];
    const { jobs } = await this.#ask(OPERATION.getJobAttributes, wanted, { signal });
    return jobs[0] && stateOf(jobs[0]);
  }

  /** The number of a job with this name that was sent before; one that the printer gave up may be printed anew. */
  async findJob(name: string, signal: AbortSignal): Promise<number | undefined> {
    for (const which of ['not-completed', 'completed']) {
      const wanted: IppAttribute = { name: 'which-jobs', syntax: 'keyword', values: [which] };
      const asked = [this.#user(), wanted, JOB_ATTRIBUTES];
      const { jobs } = await this.#ask(OPERATION.getJobs, asked, { signal });
      const found = jobs.find(
        (job) => job['job-name']?.[0] === name && job['job-state']?.[0] !== JOB.aborted,
      );
      if (found !== undefined) return idOf(found);
    }
    return undefined;
  }

  #user(): IppAttribute {
    return { name: 'requesting-user-name', syntax: 'name', values: [this.#settings.user] };
  }

  // oxlint-disable-next-line class-methods-use-this -- beside the other attributes
  #job(id: number): IppAttribute {
    return { name: 'job-id', syntax: 'integer', values: [id] };
  }

  #jobOf(name: string, format: string): readonly IppAttribute[] {
    return [
      this.#user(),
      { name: 'job-name', syntax: 'name', values: [name] },
      { name: 'document-format', syntax: 'mediaType', values: [format] },
    ];
  }

  #paper(): readonly IppAttribute[] {
    const { copies, sides, media, color } = this.#settings;
    const keywords = {
      ...(sides !== 'default' && { sides }),
      ...(media !== undefined && { media }),
      ...(color !== 'default' && { 'print-color-mode': color }),
    };
    return [
      ...(copies > 1 ? [{ name: 'copies', syntax: 'integer' as const, values: [copies] }] : []),
      ...Object.entries(keywords).map(([name, value]) => ({
        name,
        syntax: 'keyword' as const,
        values: [value],
      })),
    ];
  }

  async #ask(
    operation: number,
    attributes: readonly IppAttribute[],
    { signal, document, job }: Asked,
  ): Promise<IppResponse> {
    this.#requests += 1;
    const uri = { name: 'printer-uri', syntax: 'uri' as const, values: [this.#settings.url.href] };
    const head = encodeRequest({
      operation,
      id: this.#requests,
      attributes: [uri, ...attributes],
      ...(job !== undefined && { job }),
    });
    const answer = await this.#client.ask({
      method: 'POST',
      url: this.#web,
      headers: { 'content-type': 'application/ipp' },
      body: document === undefined ? inlineBody(head) : followed(head, document),
      signal,
    });
    if (answer.status !== 200) throw refused(answer, this.place);
    return decodeResponse(answer.body, this.place);
  }
}

interface Sent {
  readonly document: Body;
  readonly signal: AbortSignal;
}

interface Asked {
  readonly signal: AbortSignal;
  readonly document?: Body;
  readonly job?: readonly IppAttribute[];
}

export const idOf = (job: IppGroup | undefined): number | undefined => {
  const id = job?.['job-id']?.[0];
  return typeof id === 'number' ? id : undefined;
};

function stateOf(job: IppGroup): JobState {
  const reasons = (job['job-state-reasons'] ?? []).map(String).filter((one) => one !== 'none');
  return { state: Number(job['job-state']?.[0] ?? 0), reasons };
}

/** A request with the document behind it. */
function followed(head: Buffer, document: Body): Body {
  const { inline } = document;
  const whole = inline && Buffer.concat([head, inline]);
  return {
    size: head.length + document.size,
    inline: whole,
    bytes: async () => whole ?? Buffer.concat([head, await document.bytes()]),
    async *stream() {
      yield head;
      yield* document.stream();
    },
  };
}

/** What a web server says before IPP is reached. */
function refused({ status }: HttpAnswer, place: string): Error {
  if (status === 401 || status === 403) {
    return new DisableError(
      `${place} refused the sign-in (${status}). Check credential and signIn, and whether the account may print there.`,
    );
  }
  if (status === 426) {
    return new DisableError(`${place} wants an encrypted connection (426). Write ipps in url.`);
  }
  if (status === 404 || status === 405) {
    return new NotConnectedError(
      `Not connected: ${place} has no printer at this address (${status}). Correct the path of url.`,
    );
  }
  return new TemporaryError(
    `${place} answered ${status} and not in IPP. Look at its log if this happens often.`,
  );
}
