/**
 * Ids that count once (`jti`, RFC 7523 section 3): shared by all processes and nodes, and kept over restarts until the
 * assertion that carried them has expired by itself.
 */
export interface OneTimeIds {
  /** Is this the first use? Of several at once, one is. Resolves when the id is written. Rejects when it cannot be. */
  claim(id: string, keepUntil: number): Promise<boolean>
}
