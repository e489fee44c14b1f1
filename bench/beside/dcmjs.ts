import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { OWN_LENGTH } from '../../adapters/dicom/pdu.ts';
import { EXPLICIT_LITTLE_ENDIAN } from '../../adapters/dicom/uids.ts';
import { fileHead } from '../../src/document/index.ts';
import { kept } from './subject.ts';

/**
 * Plain use of dcmjs-dimse, which `npm install --no-save dcmjs-dimse@0.3.3` brings: nothing else of Waybill needs it.
 * Undefined where it is missing.
 */
export function dcmjs(): Dcmjs | undefined {
  try {
    const found = createRequire(import.meta.url)('dcmjs-dimse') as Dcmjs;
    found.log.setLevel('silent');
    return found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

interface Context {
  getAbstractSyntaxUid(): string;
  getTransferSyntaxUids(): string[];
  setResult(result: number, transferSyntax?: string): void;
}

interface Association {
  setMaxPduLength(length: number): void;
  getPresentationContexts(): { readonly id: number }[];
  getPresentationContext(id: number): Context;
}

interface Response {
  setStatus(status: number): void;
  getStatus(): number;
  getDataset(): { getElements(): object };
}

interface Request {
  on(event: 'response', told: (response: Response) => void): void;
  getAffectedSopClassUid(): string;
  getAffectedSopInstanceUid(): string;
}

declare class Scp {
  constructor(socket: unknown, options: unknown);
  sendAssociationAccept(): void;
  sendAssociationReleaseResponse(): void;
}

export interface Dcmjs {
  readonly log: { setLevel(level: string): void };
  readonly Scp: typeof Scp;
  readonly Server: new (
    scp: typeof Scp,
  ) => { listen(port: number, options: object): void; close(): void };
  readonly Client: new () => {
    addRequest(request: Request): void;
    abort(): void;
    on(event: 'networkError', told: (error: Error) => void): void;
    send(host: string, port: number, calling: string, called: string, options: object): void;
  };
  readonly requests: {
    readonly CFindRequest: { createWorklistFindRequest(keys: object): Request };
  };
  readonly responses: { readonly CStoreResponse: { fromRequest(request: Request): Response } };
}

const ACCEPTED = 0;
const SUCCESS = 0;
/** Milliseconds. */
const LINGER = 10_000;
const PENDING: ReadonlySet<number> = new Set([0xff_00, 0xff_01]);

/** Listens for objects; each is handed on as a file, and acknowledged once it is stored. */
export function storing({ Server, Scp: Base, responses }: Dcmjs, port: number): () => void {
  class Storing extends Base {
    #chunks: Buffer[] = [];

    associationRequested(association: Association): void {
      association.setMaxPduLength(OWN_LENGTH);
      for (const { id } of association.getPresentationContexts()) {
        association.getPresentationContext(id).setResult(ACCEPTED, EXPLICIT_LITTLE_ENDIAN);
      }
      this.sendAssociationAccept();
    }

    /** The bytes as they come: by itself the package parses each object. */
    createStoreWritableStream(): Writable {
      const chunks: Buffer[] = [];
      this.#chunks = chunks;
      return new Writable({
        write(chunk: Buffer, _, written) {
          chunks.push(chunk);
          written();
        },
      });
    }

    createDatasetFromStoreWritableStream(_: unknown, __: unknown, made: (none?: object) => void) {
      made();
    }

    async cStoreRequest(request: Request, answer: (response: Response) => void): Promise<void> {
      const uids = {
        classUid: request.getAffectedSopClassUid(),
        instanceUid: request.getAffectedSopInstanceUid(),
      };
      const head = fileHead(uids, { transferSyntax: EXPLICIT_LITTLE_ENDIAN, source: '' });
      await kept({ body: Buffer.concat([head, ...this.#chunks]), dedupeKey: uids.instanceUid });
      const response = responses.CStoreResponse.fromRequest(request);
      response.setStatus(SUCCESS);
      answer(response);
    }

    associationReleaseRequested(): void {
      this.sendAssociationReleaseResponse();
    }
  }
  const server = new Server(Storing);
  server.listen(port, {});
  return () => server.close();
}

/**
 * Asks a worklist once, over an association of its own: over one for several queries, the package sends the next at the
 * first result. For it each result is the last, after which it asks for the end of the association: that is put off, and
 * the association is given up. The answers become JSON; resolves to their size.
 */
export function asking({ Client, requests }: Dcmjs, port: number, keys: object): Promise<number> {
  const client = new Client();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const request = requests.CFindRequest.createWorklistFindRequest(keys);
  const found: object[] = [];
  request.on('response', (response) => {
    if (PENDING.has(response.getStatus())) found.push(response.getDataset().getElements());
    else {
      client.abort();
      resolve(Buffer.from(JSON.stringify(found)).length);
    }
  });
  client.addRequest(request);
  client.on('networkError', reject);
  client.send('127.0.0.1', port, 'WAYBILL', 'RIS', { associationLingerTimeout: LINGER });
  return promise;
}
