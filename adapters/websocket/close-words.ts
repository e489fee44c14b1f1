const WORDS: Readonly<Record<number, string>> = {
  1000: 'closed the connection as finished (1000). It is opened again',
  1001: 'closed the connection because it stops or goes away (1001). It is opened again',
  1002: 'closed the connection over a fault in the protocol (1002). Look at its log',
  1003: 'does not take this kind of data (1003). Set frame: text or binary',
  1006: 'lost the connection without saying why. Look at its log and at the network between us',
  1007: 'closed the connection because a text is not valid UTF-8 (1007). Set frame: binary, or correct the charset',
  1008: 'closed the connection by a rule of its own (1008), often over a sign-in or a subscription. Look at its log',
  1009: 'says that a message is too large (1009). Have its limit raised',
  1011: 'closed the connection over an error of its own (1011). Look at its log',
  1012: 'restarts (1012). The connection is opened again',
  1013: 'is overloaded and asks to try again later (1013). It is tried again',
  3000: 'closed the connection because we are not signed in (3000). Check the credential',
  3003: 'closed the connection because we may not do this (3003). Have the account allowed',
};

/** What a close code means (RFC 6455 §7.4.1 and the registry of IANA), to follow the name of the peer; without the last full stop. */
export const closeWords = (code: number): string =>
  WORDS[code] ??
  `closed the connection with the code ${code}. Look into its documentation for what that means`;

/** Faults of a peer over which we close, to follow a pronoun or its name; without the last full stop. */
export const FAULTS: Readonly<Record<number, string>> = {
  1002: 'breaks the protocol of WebSockets (1002)',
  1007: 'sent a text that is not UTF-8 (1007)',
  1008: 'sent too many small pieces (1008)',
  1009: 'sent a message above limit (1009)',
  1013: 'sends more large messages than there is memory for, and is to try again later (1013)',
};

const LIBRARY: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1_009,
  WS_ERR_INVALID_UTF8: 1_007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1_008,
};

/** The code with which the library closes over what it found; undefined for any other error. */
export function faultOf(error: Error): number | undefined {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string' || !code.startsWith('WS_ERR_')) return undefined;
  return LIBRARY[code] ?? 1_002;
}
