/** What others have asked an operation to tell them, for operators to see and to switch. */
export interface Subscribers {
  list(): Promise<readonly Subscriber[]>;
  /** Switches one off, which its owner cannot undo, or on again. False if it is not there any more. */
  turn(id: string, on: boolean): Promise<boolean>;
}

export interface Subscriber {
  readonly id: string;
  readonly owner: string;
  /** What it is about, for people; it may name a patient. */
  readonly about: string;
  /** Where it is told, without what may be secret. */
  readonly place: string;
  readonly state: 'requested' | 'active' | 'error' | 'off';
  /** Operators have switched it off. */
  readonly held: boolean;
  /** Why it is in error, or off. */
  readonly error: string | undefined;
  /** How many events there were. */
  readonly events: number;
  /** When it last took something, milliseconds since 1970. */
  readonly taken: number | undefined;
  /** How often in a row it took nothing. */
  readonly failures: number;
  /** When it ends, milliseconds since 1970. */
  readonly end: number;
}
