/** What was found in a stream of bytes, in order. */
export type FoundFrame =
  | { readonly kind: 'frame'; readonly body: Buffer }
  /** Bytes between frames that belong to none. */
  | { readonly kind: 'junk'; readonly bytes: Buffer }
  /** A frame began inside an open one, which is dropped with so many bytes. */
  | { readonly kind: 'restart'; readonly lost: number }
  /** A frame is larger than allowed; its beginning, for an answer. Nothing more can be read. */
  | { readonly kind: 'too-large'; readonly beginning: Buffer }
  /** There is no memory for the rest of a frame just now. Nothing more can be read. */
  | { readonly kind: 'no-room'; readonly beginning: Buffer }
  /** It is unknown where the next frame begins; `why` follows "it sent". Nothing more can be read. */
  | { readonly kind: 'broken'; readonly beginning: Buffer; readonly why: string };

/** Splits what one peer sends into messages, whatever the chunks. */
export interface FrameSource {
  /** Whether a message has begun and not ended. */
  readonly open: boolean;
  /** Bytes of the open message so far. */
  readonly pending: number;
  /** Whether the open message may be taken after a pause, although its end is incomplete. */
  readonly almostEnded: boolean;
  push(chunk: Buffer): FoundFrame[];
  /** Ends the open message although its end is incomplete. */
  finish(): Buffer;
  /** The open message, if the end of the connection may end it; called when the sender has ended its side. */
  atEnd(): Buffer | undefined;
}
