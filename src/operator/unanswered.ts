import { isAway } from '../broker/away.ts';
import { type Foreseen, isTold } from '../error/foreseen.ts';

/** NATS, the engines, the trace or the database do not answer at the moment: what they would say is not known. */
export const isUnanswered: Foreseen = (error) => isAway(error) || isTold(error);
