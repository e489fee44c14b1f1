export { arrivalFaults, arrivalSettings, openArrival, tryArrival } from '../tcp/arrival.ts';
export { ExchangeConnection } from '../tcp/exchange-connection.ts';
export { type FrameShare, frameMemory, PendingMessage, UNLIMITED } from '../tcp/frame-memory.ts';
export type { FoundFrame, FrameSource } from '../tcp/frame-source.ts';
export { connectionCounts, listenSettings, senderLimits } from '../tcp/listener-settings.ts';
export { type LinkedConnection, PeerLink } from '../tcp/peer-link.ts';
export {
  type AnswerTo,
  type FrameFate,
  type FrameService,
  SenderConnection,
} from '../tcp/sender-connection.ts';
export { peerAddress, replyLimit, sendingTimes } from '../tcp/sending-settings.ts';
export { SocketWriter } from '../tcp/socket-writer.ts';
export { listenTcp, type Sender, type ServedConnection } from '../tcp/tcp-listener.ts';
