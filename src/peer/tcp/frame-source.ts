/** What a stream of bytes turned out to hold, in the order it came. */
export type FoundFrame =
  | { readonly kind: 'frame'; readonly body: Buffer }
  /** Bytes between frames that belong to none. */
  | { readonly kind: 'junk'; readonly bytes: Buffer }
  /** A frame began inside an open one, which is given up: so many bytes were lost. */
  | { readonly kind: 'restart'; readonly lost: number }
  /** A frame is larger than allowed; its beginning, for an answer. Nothing more can be read. */
  | { readonly kind: 'too-large'; readonly beginning: Buffer }
  /** There is no memory for the rest of a frame just now. Nothing more can be read. */
  | { readonly kind: 'no-room'; readonly beginning: Buffer }
  /** Where the next frame begins cannot be told any more; what is wrong, to follow "it sent". Nothing more can be read. */
  | { readonly kind: 'broken'; readonly beginning: Buffer; readonly why: string };

/** Cuts what one peer sends into messages, whatever the chunks it comes in. */
export interface FrameSource {
  /** Whether a message has begun and not ended. */
  readonly open: boolean;
  /** Bytes of the open message so far. */
  readonly pending: number;
  /** Whether the open message may be taken after a pause, although its end has not come whole. */
  readonly almostEnded: boolean;
  push(chunk: Buffer): FoundFrame[];
  /** Ends the open message although its end has not come whole. */
  finish(): Buffer;
  /** The open message where it may end with its sender; called once the sender has ended its side. */
  atEnd(): Buffer | undefined;
}
