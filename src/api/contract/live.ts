export type { LiveChange, LiveEvent, LiveMessage } from '../../operator/live/live-record.ts';
export type { Topic } from '../../operator/live/live-session.ts';
