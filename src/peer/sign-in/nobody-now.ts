import { Refusal } from '../http-server/refusal.ts';

/** The refusal where whoever could say whether somebody may sign in cannot be asked: no reason to say that they are unknown. */
export function nobodyNow({ message }: Error): Refusal {
  return new Refusal(503, 'Nobody can sign in now. Try again.', {
    headers: { 'retry-after': '5' },
    told: `nobody can sign in: ${message.replace(/\.$/, '')}`,
  });
}
