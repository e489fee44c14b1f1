export {
  DisableError,
  NotConnectedError,
  RejectedError,
  SuspendError,
  TemporaryError,
} from '../error/adapter-error.ts';
export { background } from '../error/background.ts';
export { EngineError } from '../error/engine-error.ts';
export { isTold, toldElsewhere, unless } from '../error/foreseen.ts';
export { nearest } from '../error/nearest.ts';
export type { Logger } from '../log/logger.ts';
export { type Body, inlineBody } from '../message/body.ts';
export { callerOf } from '../message/caller.ts';
export type { Message, NewMessage, Receipt, Reply, ReplyProblem } from '../message/message.ts';
export { pause } from '../time/pause.ts';
export { describeSize } from '../time/size.ts';
export { timerTime, wait } from '../time/timer.ts';
export {
  type ConnectionState,
  type DeliverOptions,
  explained,
  type InboundAdapter,
  inbound,
  type Lent,
  type LentInbound,
  type LookupAdapter,
  lookupTable,
  type Memory,
  type Open,
  type OpenOutbound,
  type OutboundAdapter,
  outbound,
  type SettingsFault,
  type SharedAddress,
} from './adapter.ts';
export {
  type CertificateFacts,
  certificateFacts,
  describeCertificate,
} from './certificate-facts.ts';
export type {
  CertificateCredential,
  Credential,
  FreshToken,
  TokenCredential,
} from './credential.ts';
export type {
  Grant,
  GrantClaims,
  GrantLimits,
  Grants,
  IssuedGrant,
  RefusedGrant,
} from './grants.ts';
export type { Launched, Launches } from './launches.ts';
export type { FoundRecord, RecordEntry, Records } from './records.ts';
export * as setting from './setting.ts';
export type { Attempts, SignInTools, SigningKeys } from './sign-in-tools.ts';
export type { Subscriber, Subscribers } from './subscribers.ts';
export {
  type Step,
  type StepDetail,
  StepFailure,
  stepFailure,
  type TestStep,
  toldInStep,
} from './test-step.ts';
export type { TokenVerifier } from './token-verifier.ts';
