import type { ChannelKind } from '../../../access/sign-in/alert-settings.ts';

/** What people are told: that something is wrong, that it is over, or that this is a test. */
export interface AlertNews {
  /** Equal for repeated sending of the same news. */
  readonly key: string;
  readonly state: 'open' | 'over' | 'test';
  readonly level: 'warn' | 'error';
  /** One line: the production's title and what is wrong. */
  readonly subject: string;
  readonly text: string;
  /** The alerts it is about: several if many opened at once. */
  readonly alerts: readonly AlertFacts[];
  readonly production: string;
  /** Of the alerts in the console, if its address is known. */
  readonly link: string | undefined;
}

export interface AlertFacts {
  readonly id: number;
  readonly rule: string;
  readonly host: string | undefined;
  readonly text: string;
  readonly first: number;
}

/** How sending ended. With `messageId` the outcome is that of a message of the production. */
export type NewsSent =
  | { readonly accepted: true; readonly messageId?: number | undefined }
  | { readonly accepted: false; readonly cause: string; readonly remedy: string };

/** A way to reach people. */
export interface AlertChannel {
  readonly name: string;
  readonly kind: ChannelKind;
  /** Never rejects; bounded in time. */
  send(news: AlertNews, signal: AbortSignal): Promise<NewsSent>;
}

/** Milliseconds that a peer has to accept news. */
export const SENDING = 10_000;
