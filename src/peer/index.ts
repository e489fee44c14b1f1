export { claimAt } from '../message/caller.ts';
export { endNatsAttempts } from '../time/nats-attempts.ts';
export { asBuffer } from './as-buffer.ts';
export { beginning, continued } from './beginning.ts';
export { answersInClear, type ConnectionCause, connectionCause } from './connection-cause.ts';
export { type Dialling, dial, inClear, notConnected, placeOf } from './dial.ts';
export { disabledBy } from './disabled-by.ts';
export {
  acknowledgeSetting,
  type EdiAnswerMade,
  ediAnswer,
  ediControlNumber,
  judgedAsEdi,
} from './edi-answer.ts';
export { firstReached } from './first-reached.ts';
export { dropFile } from './folder/drop.ts';
export { type DropServiceLent, dropService } from './folder/drop-service.ts';
export { type DropSettings, type DropValues, dropSettings } from './folder/drop-settings.ts';
export { fileMode } from './folder/file-mode.ts';
export { checkFileName, numbered } from './folder/file-name.ts';
export { filePattern, isMeant } from './folder/file-pattern.ts';
export {
  type FileEntry,
  FileError,
  type FileFacts,
  type FileProblem,
  type FileStore,
  inFolder,
  isFileProblem,
} from './folder/file-store.ts';
export { fileType } from './folder/file-type.ts';
export { dropSteps, pickupSteps } from './folder/folder-steps.ts';
export type { FolderTemplate } from './folder/folder-template.ts';
export { type Pickup, pickup } from './folder/pickup.ts';
export { type PickupServiceLent, pickupService } from './folder/pickup-service.ts';
export {
  type PickupSettings,
  type PickupValues,
  pickupSettings,
} from './folder/pickup-settings.ts';
export { hasSameBytes } from './folder/same-bytes.ts';
export { connectFirst, type StoreLine } from './folder/store-line.ts';
export { tryWriting } from './folder/try-writing.ts';
export { Gathered } from './gathered.ts';
export { type Challenge, challengesOf } from './http/challenge.ts';
export { HttpClient, type Upgraded } from './http/http-client.ts';
export { type HttpClientValues, httpClientSettings } from './http/http-client-settings.ts';
export {
  type HttpAnswer,
  type HttpQuestion,
  placeOfUrl,
  retryAfterOf,
} from './http/http-exchange.ts';
export { exchangeFailure, signInFailure } from './http/http-failure.ts';
export { type HttpTrial, tryHttp, tryReaching } from './http/http-test.ts';
export { transport } from './http/load-transport.ts';
export {
  contentTypeOf,
  describedBody,
  type MediaType,
  mayBeHl7,
  mediaTypeOf,
  messageTypeOf,
} from './http/media-type.ts';
export { outcomeText } from './http/operation-outcome.ts';
export { refusalWords } from './http/refusal-words.ts';
export type { TransportValues } from './http/transport.ts';
export {
  type HeaderTemplate,
  headerTemplate,
  type UrlTemplate,
  urlTemplate,
} from './http/url-template.ts';
export {
  type Access,
  authorize,
  checkSameSite,
  type Need,
  withoutSecrets,
} from './http-server/caller/authorize.ts';
export type { Caller, Scheme } from './http-server/caller/caller.ts';
export {
  type CallerValues,
  callerClaims,
  callerSettings,
  type TokenSource,
} from './http-server/caller/caller-settings.ts';
export { messageCaller } from './http-server/caller/message-caller.ts';
export { schemesOf } from './http-server/caller/schemes.ts';
export { tryCallers } from './http-server/caller/try-callers.ts';
export {
  type CorsPolicy,
  corsHeaders,
  corsSettings,
  isPreflight,
  notAllowed,
  preflightReply,
} from './http-server/cors.ts';
export {
  commonOf,
  type HttpService,
  joinListener,
  type ServedRoute,
  type ServedUpgrade,
} from './http-server/http-listener.ts';
export { listenerLimits, listenerPlace } from './http-server/http-listener-settings.ts';
export { type HttpReply, refusalAnswer, respond } from './http-server/http-reply.ts';
export { type Arrived, cookieOf, Incoming } from './http-server/incoming.ts';
export { callerAddresses, proxies } from './http-server/proxies.ts';
export { Refusal, refusalOf } from './http-server/refusal.ts';
export { type Content, RequestBody } from './http-server/request-body.ts';
export { Room } from './http-server/room.ts';
export { type RoutePattern, routePattern, routePatternOf } from './http-server/route-pattern.ts';
export { Serving } from './http-server/serving.ts';
export { type InFlight, inFlight, UnderWay, unlessAborted, unlessLate } from './in-flight.ts';
export { Intake } from './intake.ts';
export { kept } from './kept.ts';
export { type Kept, keptOpen } from './kept-open.ts';
export {
  bindAccount,
  entryOf,
  PERSON_FILTER,
  type PersonSettings,
  provenPerson,
  toldPerson,
  untypable,
} from './ldap/directory-person.ts';
export { GROUP_FILTER, groupsOf, MEMBER_OF, mappedName, type Person } from './ldap/groups.ts';
export {
  connectLdap,
  type LdapConnection,
  type LdapEntry,
  type LdapServer,
} from './ldap/ldap-connection.ts';
export { LdapFailure } from './ldap/ldap-failure.ts';
export { tryReachingLdap } from './ldap/ldap-steps.ts';
export { filterProblem } from './ldap/ldap-text.ts';
export {
  type Letter,
  type LetterAttachment,
  type LetterSettings,
  letter,
  letterSettings,
} from './mail/letter.ts';
export { type MailFacts, mailFacts } from './mail/mail-facts.ts';
export { type MailFate, MailIntake } from './mail/mail-intake.ts';
export { mailMessages } from './mail/mail-messages.ts';
export {
  type MailDocument,
  type MailDocumentAddress,
  type MailPart,
  mailDocument,
  mailPart,
  mailText,
  type PartFacts,
} from './mail/mail-part.ts';
export { cutWhenStopped, openMailbox } from './mail/mail-sessions.ts';
export { type Mailbox, mailboxesIn } from './mail/mailbox.ts';
export { mailboxSettings } from './mail/mailbox-settings.ts';
export { charsetOf, type Enclosed, fileName, mimeParts } from './mail/mime-parts.ts';
export { Opening, oneOf } from './mail/opened-parts.ts';
export { bearerProof, passwordProof } from './mail/sasl.ts';
export { putAwaySettings, type TakeSettings, takeSettings } from './mail/take-settings.ts';
export { type MailTokenTest, testToken } from './mail/test-token.ts';
export { toldInStep, tryMailbox } from './mail/try-mailbox.ts';
export { type NamedTemplate, namedTemplate } from './named-template.ts';
export { newsFilter } from './news.ts';
export { objectDropService } from './object-store/object-drop.ts';
export { ObjectLine, type OpenedStore } from './object-store/object-line.ts';
export { putInParts, type Upload } from './object-store/object-parts.ts';
export { objectPickupService } from './object-store/object-pickup.ts';
export { objectDropSettings, objectPickupSettings } from './object-store/object-settings.ts';
export { objectDropSteps, objectSteps } from './object-store/object-steps.ts';
export {
  changedObject,
  type ObjectStore,
  type ObjectWriting,
  objectKey,
  objectPrefix,
  ofSize,
  takenName,
  unlessMissing,
  wholeSeconds,
} from './object-store/object-store.ts';
export { isSignedOut } from './oidc/logout-token.ts';
export {
  type OidcAnswer,
  type OidcAttempt,
  type OidcClient,
  type OidcTokens,
  oidcClient,
} from './oidc/oidc-client.ts';
export { OidcProblem } from './oidc/oidc-problem.ts';
export { type SealedAttempts, sealedAttempts } from './oidc/sealed-attempts.ts';
export { type TextSeal, textSeal } from './oidc/text-seal.ts';
export { missingPackage, optionalPackage } from './optional-package.ts';
export { Paced, parallelSetting } from './paced.ts';
export { poll } from './poll.ts';
export { answersTls, firstBytes, type Probe, probe, tryListening, tryTls } from './probe.ts';
export { type ProviderFetch, trustingFetch } from './provider-fetch.ts';
export { type RelayedAnswer, relayedAnswer } from './relayed-answer.ts';
export { codedReply, hl7Reply, judgedAsHl7, REPLY_PATTERNS, replyCodes } from './reply-code.ts';
export { Resting } from './resting.ts';
export { isSameSecret } from './same-secret.ts';
export { directoryFaults, directorySettings } from './sign-in/directory-settings.ts';
export { tryDirectoryUsers } from './sign-in/directory-users.ts';
export { KnownUsers } from './sign-in/known-users.ts';
export { nobodyNow } from './sign-in/nobody-now.ts';
export type { PageLanguage } from './sign-in/page.ts';
export { escaped, htmlPage, inLanguage, pageLanguage, refusalPage } from './sign-in/page.ts';
export {
  type ProviderValues,
  providerFaults,
  providerSettings,
} from './sign-in/provider-settings.ts';
export {
  isSignedOutThere,
  neededClaims,
  providerClient,
  providerGrant,
  providerPerson,
  providerRefusal,
  tryProvider,
} from './sign-in/provider-users.ts';
export { scopeClaim, scopeMap } from './sign-in/scope-map.ts';
export { ownClaims, type User } from './sign-in/user.ts';
export { SignInGuard } from './sign-in-guard.ts';
export { type SpokenProtocol, spokenProtocol } from './spoken-protocol.ts';
export { tableEntries } from './table-entries.ts';
export type { Talk } from './talk.ts';
export { arrivalFaults, arrivalSettings, openArrival, tryArrival } from './tcp/arrival.ts';
export { ExchangeConnection } from './tcp/exchange-connection.ts';
export { type FrameShare, frameMemory, PendingMessage, UNLIMITED } from './tcp/frame-memory.ts';
export type { FoundFrame, FrameSource } from './tcp/frame-source.ts';
export { connectionCounts, listenSettings, senderLimits } from './tcp/listener-settings.ts';
export { type LinkedConnection, PeerLink } from './tcp/peer-link.ts';
export {
  type AnswerTo,
  type FrameFate,
  type FrameService,
  SenderConnection,
} from './tcp/sender-connection.ts';
export { peerAddress, replyLimit, sendingTimes } from './tcp/sending-settings.ts';
export { SocketWriter } from './tcp/socket-writer.ts';
export { listenTcp, type Sender, type ServedConnection } from './tcp/tcp-listener.ts';
export { type AllowedName, isAllowed } from './tls/allowed-name.ts';
export { clientTls } from './tls/client-tls.ts';
export { secured } from './tls/secured.ts';
export { type ServerTls, serverTls } from './tls/server-tls.ts';
export type { ClientLent, TlsClientLent, TlsLent } from './tls/tls-files.ts';
export {
  PUBLIC_TLS,
  type TlsClientSettings,
  type TlsServerSettings,
  tlsClient,
  tlsServer,
} from './tls/tls-settings.ts';
export { describeClaims, type TokenClaims, tokenClaims } from './token-claims.ts';
export { keepStoring, untilStored } from './until-stored.ts';
