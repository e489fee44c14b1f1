import {
  type DeliverOptions,
  EngineError,
  type NewMessage,
  type Receipt,
} from '../../src/adapter/index.ts';

/** A message received by the store, with its stream read to the end. */
export type Delivered = Omit<NewMessage, 'body'> & { readonly body: Buffer };

/** The answer of a target, as in a receipt. */
export type Answered = Pick<Receipt, 'reply' | 'outcome'>;

/** Stores, refuses or waits, as a test wants. */
export class ObedientStore {
  readonly delivered: Delivered[] = [];
  readonly lost: Error[] = [];
  memory: string | undefined;
  waiting = 0;
  refused = 0;
  #refusal: Error | undefined;
  #gate: PromiseWithResolvers<void> | undefined;
  #dawdling: () => Promise<void> = () => Promise.resolve();
  #answer: (message: Delivered) => Answered | Promise<Answered> = () => ({});

  constructor(memory: string | undefined) {
    this.memory = memory;
  }

  refuse(
    error: Error = new EngineError('QUEUE_UNAVAILABLE', 'The store is down.', { retryable: true }),
  ): void {
    this.#refusal = error;
  }

  accept(): void {
    this.#refusal = undefined;
  }

  hold(): void {
    this.#gate ??= Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  dawdle(over: () => Promise<void>): void {
    this.#dawdling = over;
  }

  answer(reply: (message: Delivered) => Answered | Promise<Answered>): void {
    this.#answer = reply;
  }

  async deliver(message: NewMessage, options: DeliverOptions = {}): Promise<Receipt> {
    const body = await bytesOf(message.body, this.#dawdling);
    if (this.#gate !== undefined) {
      this.waiting += 1;
      await this.#gate.promise;
      this.waiting -= 1;
    }
    if (this.#refusal !== undefined) {
      this.refused += 1;
      throw this.#refusal;
    }
    const delivered = { ...message, body };
    this.delivered.push(delivered);
    const id = this.delivered.length;
    options.stored?.();
    const answer = options.reply === true ? await this.#answer(delivered) : {};
    return { messageId: id, sessionId: id, status: 'stored', ...answer };
  }
}

async function bytesOf(body: NewMessage['body'], dawdle: () => Promise<void>): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    if (chunks.push(Buffer.from(chunk)) === 1) await dawdle();
  }
  return Buffer.concat(chunks);
}
