export {
  DisableError,
  NotConnectedError,
  RejectedError,
  SuspendError,
  TemporaryError,
} from '../error/adapter-error.ts';
export { EngineError } from '../error/engine-error.ts';
export type { Logger } from '../log/logger.ts';
export type { Body } from '../message/body.ts';
export type { Message, NewMessage, Receipt, Reply, ReplyProblem } from '../message/message.ts';
export {
  type ConnectionState,
  type DeliverOptions,
  type InboundAdapter,
  inbound,
  type Lent,
  type LentInbound,
  type Memory,
  type Open,
  type OpenOutbound,
  type OutboundAdapter,
  outbound,
} from './adapter.ts';
export type { CertificateCredential, Credential, TokenCredential } from './credential.ts';
export {
  type Letter,
  type LetterAttachment,
  type LetterSettings,
  letter,
  letterSettings,
  type Mailbox,
} from './letter.ts';
export { poll } from './poll.ts';
export * as setting from './setting.ts';
export { type Step, StepFailure, type TestStep } from './test-step.ts';
