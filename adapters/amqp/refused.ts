import { EngineError, pause, setting } from 'waybill/adapter';

type Refused = 'hold' | 'dead-letter' | 'requeue' | 'discard';

/** What happens to a message that the engine refuses for good, such as one above a limit; `normally` is the default. */
export const refusedSetting = (
  normally: Refused,
  deadLetter: string,
): setting.Setting<Refused, Refused | undefined> =>
  setting.choice(
    {
      hold: 'It is kept and tried again; nothing behind it is taken until somebody has removed it',
      'dead-letter': deadLetter,
      requeue:
        'It goes back to the queue after a second, to be handed out again; brokers set it aside after some tries if they are told to',
      discard: 'It is acknowledged, and lost; an event reports it',
    },
    {
      help: 'What happens to a message that the engine refuses for good. One that it cannot store now is always kept.',
      default: normally,
    },
  );

/** How long a message is held before it goes back to the queue, in milliseconds: it may come again at once. */
const BEFORE_REQUEUE = 1_000;

const FATES = {
  'dead-letter': 'was rejected: look into the dead-letter queue, if there is one',
  requeue: 'went back to the queue',
  discard: 'was discarded',
};

interface Refusing {
  readonly refused: Refused;
  readonly signal: AbortSignal;
  /** Tells the broker. */
  readonly settle: (fate: keyof typeof FATES, error: EngineError) => void;
  /** Begins the event: `rabbit.example:5671: a message of lab-results`. */
  readonly what: string;
  readonly event: (level: 'error', name: string, text: string) => void;
}

/** Does with a message that could not be stored what the settings say, if it is refused for good. Throws if it is to be held. */
export async function settleRefused(
  error: unknown,
  { refused, signal, settle, what, event }: Refusing,
): Promise<void> {
  const isFinal = error instanceof EngineError && !error.retryable;
  if (!isFinal || refused === 'hold') throw error;
  if (refused === 'requeue') await pause(BEFORE_REQUEUE, signal);
  if (signal.aborted) return;
  settle(refused, error);
  event(
    'error',
    'message-refused',
    `${what} is refused for good (${error.code}) and ${FATES[refused]}.`,
  );
}
