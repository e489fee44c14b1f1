/** What the trace says of a message whose acknowledgement is proven and whose outcome was lost. */
export const OUTCOME_LOST = 'outcome lost in a crash';
