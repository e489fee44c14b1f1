import { expect, vi } from 'vitest';
import mllpIn from '../../../adapters/mllp/mllp-in.ts';
import { type MllpSender, mllpSender, portOf } from '../../support/mllp-sender.ts';
import { type OpenedInbound, type OpenOptions, openInbound } from '../../support/open-adapter.ts';

type Given = Readonly<Record<string, unknown>>;

/** An admission with this control id; `more` goes on with MSH-13 and what follows. */
export const adt = (controlId: string, more = ''): string =>
  `MSH|^~\\&|APP|FAC|R|F|20260101120000||ADT^A01^ADT_A01|${controlId}|P|2.5.1${more}\rPID|1||123^^^H^MR||DOE^JOHN\rPV1|1|I\r`;

/** A listener on a free port. */
export const listening = (given: Given = {}, options?: OpenOptions): Promise<OpenedInbound> =>
  openInbound(mllpIn, { listen: '127.0.0.1:0', ...given }, options);

/** A sender that is connected to it. */
export const connected = (opened: OpenedInbound): Promise<MllpSender> => mllpSender(portOf(opened));

/** Resolves once the listener has closed the connection. */
export const closed = (sender: MllpSender): Promise<void> =>
  vi.waitFor(() => expect(sender.closed).toBe(true), { timeout: 5_000 });
