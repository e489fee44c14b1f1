export type { LiveChange, LiveEvent, LiveMessage } from '../../live/live-record.ts';
export type { Topic } from '../../live/live-session.ts';
