import { createHmac, randomUUID } from 'node:crypto';
import type { Connection, EventContext, Message, Receiver, Sender } from 'rhea';
import { type Credential, DisableError, NotConnectedError } from 'waybill/adapter';

/** How long a signature by a key is valid, in seconds: the token is put again long before. */
const SIGNED_FOR = 60 * 60;
/** How often the tokens are put again, in milliseconds. Tokens of Entra are valid for an hour or more. */
export const PUT_AGAIN = 10 * 60_000;
const PATIENCE = 10_000;

type CbsCredential = Extract<Credential, { kind: 'basic' | 'bearer' | 'oauth2' }>;

interface Token {
  readonly type: 'servicebus.windows.net:sastoken' | 'jwt';
  readonly text: string;
}

/** What is shown for one address: a signature by name and key of a policy, or a token as it is. */
async function tokenFor(
  credential: CbsCredential,
  audience: string,
  signal: AbortSignal,
): Promise<Token> {
  if (credential.kind !== 'basic') return { type: 'jwt', text: await credential.token(signal) };
  const { user, password } = credential;
  const resource = encodeURIComponent(audience);
  const until = Math.floor(Date.now() / 1_000) + SIGNED_FOR;
  const signature = createHmac('sha256', password).update(`${resource}\n${until}`).digest('base64');
  return {
    type: 'servicebus.windows.net:sastoken',
    text: `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${until}&skn=${encodeURIComponent(user)}`,
  };
}

/** Claims-based security (AMQP 1.0 CBS): shows a token for each address before a link is made to it. */
export class Cbs {
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #credential: CbsCredential;
  readonly #place: string;
  readonly #reply = `waybill-${randomUUID()}`;
  readonly #asked = new Map<string, PromiseWithResolvers<Message>>();

  constructor(
    connection: Connection,
    { credential, place }: { readonly credential: CbsCredential; readonly place: string },
  ) {
    this.#credential = credential;
    this.#place = place;
    this.#sender = connection.open_sender({ target: { address: '$cbs' } });
    this.#receiver = connection.open_receiver({
      source: { address: '$cbs' },
      target: { address: this.#reply },
      credit_window: 20,
    });
    this.#receiver.on('message', ({ message }: EventContext) => {
      if (message !== undefined) this.#asked.get(String(message.correlation_id))?.resolve(message);
    });
    const refuse = (): void => {
      const error = new NotConnectedError(
        `Not connected: ${place} ended the link for tokens ($cbs). Set signIn: sasl if it does not know claims.`,
      );
      for (const one of this.#asked.values()) one.reject(error);
    };
    for (const event of ['sender_error', 'sender_close'] as const) this.#sender.on(event, refuse);
    for (const event of ['receiver_error', 'receiver_close'] as const) {
      this.#receiver.on(event, refuse);
    }
  }

  /** Throws a DisableError if the token is refused. */
  async put(audience: string, signal: AbortSignal): Promise<void> {
    const { type, text } = await tokenFor(this.#credential, audience, signal);
    const id = randomUUID();
    const answer = Promise.withResolvers<Message>();
    this.#asked.set(id, answer);
    const late = setTimeout(
      () =>
        answer.reject(
          new NotConnectedError(
            `Not connected: ${this.#place} did not answer about the token within ${PATIENCE / 1_000} s.`,
          ),
        ),
      PATIENCE,
    );
    const stop = (): void => answer.reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      this.#sender.send({
        message_id: id,
        reply_to: this.#reply,
        application_properties: { operation: 'put-token', type, name: audience },
        body: text,
      });
      this.#judge(await answer.promise);
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      this.#asked.delete(id);
    }
  }

  #judge({ application_properties: properties = {} }: Message): void {
    const status = Number(properties['status-code']);
    if (status >= 200 && status < 300) return;
    if (status === 401 || status === 403 || status === 404) {
      throw new DisableError(`${this.#place} refused the token (${status}). ${this.#remedy()}.`);
    }
    throw new NotConnectedError(
      `Not connected: ${this.#place} could not take the token (${status}).`,
    );
  }

  #remedy(): string {
    return this.#credential.kind === 'basic'
      ? 'Check name and key of the shared access policy, its rights (Listen, Send), and the clock of this machine'
      : 'Check the audience of the token (https://servicebus.azure.net), and that its owner has the role Azure Service Bus Data Receiver or Sender';
  }
}
