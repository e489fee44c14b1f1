import {
  callerOf,
  EngineError,
  type Launched,
  type Lent,
  type Message,
  RejectedError,
  type Reply,
  TemporaryError,
} from 'waybill/adapter';
import type { HttpSignIn } from 'waybill/peer/http';
import type { fhirSettings } from './fhir-settings.ts';

type Asking = Pick<Lent<typeof fhirSettings>, 'launches'>;

/** Which server to ask for one message, and how requests to it are signed: undefined as by the client. */
export interface AskedServer {
  readonly url: URL;
  readonly signIn: HttpSignIn | undefined;
  /** The scopes of the launch. */
  readonly granted?: string | undefined;
}

/**
 * The EHR of whoever sent a message, asked as them. Throws CREDENTIAL_REFUSED if their launch is over.
 *
 * @param realm of the service that took the launch
 */
export async function launchedServer(
  { launches }: Asking,
  message: Message,
  realm: string,
): Promise<AskedServer> {
  if (message.joins !== undefined) {
    throw new RejectedError(
      'The message was made of several, which may be of several people, so there is nobody to ask an EHR as. Ask before they are collected.',
    );
  }
  const launch = callerOf(message)?.launch;
  if (launch === undefined || launch.realm !== realm) {
    throw new RejectedError(
      `Whoever sent the message was not launched by an EHR through the sign-in ${realm}, or a person has sent it again, or it was made of several: there is nobody to ask an EHR as. Send only messages of its service here, and have the rest asked for in the app again.`,
    );
  }
  const known = launches?.(realm);
  if (known === undefined) {
    throw new TemporaryError(
      `No service with signIn.smart and the realm ${realm} runs at this engine. Start it, or correct launches.`,
    );
  }
  const launched = await known.find(launch.id);
  if (launched === undefined) throw over();
  const signIn = signedAs(launched);
  return { url: new URL(launched.fhir), signIn, granted: launched.granted };
}

const signedAs = ({ credential }: Launched): HttpSignIn => ({
  async sign(_, url, { fresh, signal }) {
    const token = await credential.token(signal, { fresh });
    return { url, headers: { authorization: `Bearer ${token}` } };
  },
  again: () => true,
});

const over = (): EngineError =>
  new EngineError('CREDENTIAL_REFUSED', 'The session at the EHR is over. Launch the app again.');

/** That somebody is not signed in at the EHR any more, which concerns nobody else: undefined for other errors. */
export function overReply(error: unknown): Reply | undefined {
  if (!(error instanceof EngineError) || error.code !== 'CREDENTIAL_REFUSED') return undefined;
  return overBecause(error.message);
}

/**
 * What an EHR answered to a person, as it concerns the operation: a 401 ends their session alone, a 403 says what was granted.
 *
 * @param status of the whole answer: that of one entry of a batch may be 401, and others were carried out
 */
export function launchedReply(reply: Reply, { granted = '' }: AskedServer, status: number): Reply {
  if (status === 401)
    return overBecause('The EHR does not accept this session. Launch the app again.');
  if (reply.code === '401') return { ...reply, problems: ['sign-in-over'] };
  if (reply.code !== '403') return reply;
  const scopes = `The EHR granted this launch: ${granted || 'no scopes that it told'}. What is missing has to be under ask of the service, and be allowed to the app at the EHR.`;
  return { ...reply, text: reply.text === undefined ? scopes : `${reply.text}\n${scopes}` };
}

function overBecause(diagnostics: string): Reply {
  const issue = [{ severity: 'error', code: 'login', diagnostics }];
  return {
    body: Buffer.from(JSON.stringify({ resourceType: 'OperationOutcome', issue })),
    type: 'application/fhir+json',
    code: '401',
    text: diagnostics,
    problems: ['sign-in-over'],
  };
}
