import { elementsOf } from '../tls/read-der.ts';
import * as der from '../tls/write-der.ts';
import { Fields, malformed, whole } from './fields.ts';
import { KerberosProblem } from './kerberos-problem.ts';

/** SPNEGO (RFC 4178) around the tokens of Kerberos (RFC 4121), as browsers and web servers speak it (RFC 4559). */

const KERBEROS = '1.2.840.113554.1.2.2';
/** A wrong number that Windows wrote first, and that it still offers. */
const WINDOWS_KERBEROS = '1.2.840.48018.1.2.2';
const SPNEGO = '1.3.6.1.5.5.2';
const NTLM = Buffer.from('NTLMSSP\0', 'latin1');

const TOKEN = { request: Buffer.of(1, 0), reply: Buffer.of(2, 0) };

const oid = (dotted: string): string => der.identifier(dotted).toString('hex');
const OURS = new Map([KERBEROS, WINDOWS_KERBEROS].map((one) => [oid(one), one]));
const OID_SPNEGO = oid(SPNEGO);

/** What a browser sent, taken apart. */
export interface Negotiation {
  /** An AP-REQ. */
  readonly request: Buffer;
  /** Packs an AP-REP; without one it only says that the sign-in is complete. */
  readonly answer: (reply: Buffer | undefined) => Buffer | undefined;
}

/** Takes the token after `Negotiate` apart. Throws a KerberosProblem that says what was sent instead of a ticket. */
export function negotiationOf(token: Buffer): Negotiation {
  if (token.subarray(0, NTLM.length).equals(NTLM)) throw noTicket();
  const { mechanism, content } = enveloped(token);
  if (OURS.has(mechanism)) {
    const request = apRequestOf(content);
    return { request, answer: (reply) => reply && kerberosToken(KERBEROS, TOKEN.reply, reply) };
  }
  if (mechanism !== OID_SPNEGO) throw malformed('the token after Negotiate');
  const first = whole(content, 'the offer of sign-ins');
  if (first.tag !== 0xa0) throw malformed('the offer of sign-ins');
  const offer = new Fields(first.content, 'the offer of sign-ins');
  const [preferred] = offer.list(0).map((one) => one.toString('hex'));
  const chosen = OURS.get(preferred ?? '');
  if (chosen === undefined || !offer.has(2)) throw noTicket();
  const inner = enveloped(offer.octets(2));
  if (!OURS.has(inner.mechanism)) throw noTicket();
  return {
    request: apRequestOf(inner.content),
    answer: (reply) => completed(chosen, reply),
  };
}

const noTicket = (): KerberosProblem =>
  new KerberosProblem(
    'the browser sent no Kerberos ticket, but offered another sign-in (NTLM)',
    'It had no ticket for this address: register HTTP/<name in the address> at the account of the keytab (setspn -S), open the console by that name and not by an address, and list it in the browser (Local intranet, AuthServerAllowlist)',
  );

/** A token's mechanism, as its encoded number, and what follows. */
function enveloped(token: Buffer): { readonly mechanism: string; readonly content: Buffer } {
  const { tag, content } = whole(token, 'the token after Negotiate');
  const [mechanism] = elementsOf(content);
  if (tag !== 0x60 || mechanism === undefined || mechanism.tag !== 0x06) {
    throw malformed('the token after Negotiate');
  }
  const hex = content.subarray(0, mechanism.end).toString('hex');
  return { mechanism: hex, content: content.subarray(mechanism.end) };
}

function apRequestOf(content: Buffer): Buffer {
  if (!content.subarray(0, 2).equals(TOKEN.request)) throw malformed('the token of Kerberos');
  return content.subarray(2);
}

const kerberosToken = (mechanism: string, kind: Buffer, message: Buffer): Buffer =>
  der.application(0, Buffer.concat([der.identifier(mechanism), kind, message]));

/** NegTokenResp: accept-completed. */
const completed = (mechanism: string, reply: Buffer | undefined): Buffer =>
  der.tagged(
    1,
    der.sequence(
      der.tagged(0, der.enumerated(0)),
      der.tagged(1, der.identifier(mechanism)),
      ...(reply === undefined
        ? []
        : [der.tagged(2, der.octets(kerberosToken(KERBEROS, TOKEN.reply, reply)))]),
    ),
  );

/** The token of a client that offers nothing but Kerberos, with its AP-REQ. */
export const offered = (request: Buffer): Buffer =>
  der.application(
    0,
    Buffer.concat([
      der.identifier(SPNEGO),
      der.tagged(
        0,
        der.sequence(
          der.tagged(0, der.sequence(der.identifier(KERBEROS))),
          der.tagged(2, der.octets(kerberosToken(KERBEROS, TOKEN.request, request))),
        ),
      ),
    ]),
  );
