/**
 * Numbers that are no good RSA modulus, although they look like one. Arithmetic only: what is refused, and in which
 * words, is said in key-quality.ts.
 */

const primesBelow = (end: number): readonly number[] => {
  const primes: number[] = []
  for (let n = 2; n < end; n++) if (primes.every(prime => n % prime !== 0)) primes.push(n)
  return primes
}

const smallPrimes = primesBelow(2000)

/** The least prime below 2000 that divides n; undefined when none does. */
export const smallFactor = (n: bigint): number | undefined =>
  smallPrimes.find(prime => n % BigInt(prime) === 0n)

/** All that powers of 65537 can leave when divided by the prime. */
function residuesOfPowers(prime: number): ReadonlySet<number> {
  const residues = new Set<number>()
  for (let power = 1; !residues.has(power); power = (power * 65537) % prime) residues.add(power)
  return residues
}

// The product of these 39 primes is in the keys of every length that the library made.
const fingerprint = primesBelow(168).map(prime => [BigInt(prime), residuesOfPowers(prime)] as const)

/**
 * Was the key made by the library of CVE-2017-15361 ("The Return of Coppersmith's Attack", 2017)? Both of its primes,
 * and so the modulus, are a power of 65537 modulo a product of small primes; the private key can be computed. Of good
 * keys one in some hundred million looks alike, and is refused as well.
 */
export const isRoca = (n: bigint): boolean =>
  fingerprint.every(([prime, residues]) => residues.has(Number(n % prime)))

/** The largest integer whose square is not above n, for n of 0 and more (Newton's method, from above). */
export function squareRoot(n: bigint): bigint {
  if (n === 0n) return 0n
  let root = 1n << BigInt(n.toString(16).length * 2)
  for (;;) {
    const next = (root + n / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

// Four of five numbers are told not to be squares by their last bits.
const lastBitsOfSquares: ReadonlySet<bigint> = new Set(
  Array.from({ length: 64 }, (_, i) => BigInt((i * i) % 64)),
)

const isSquare = (n: bigint): boolean =>
  lastBitsOfSquares.has(BigInt.asUintN(6, n)) && squareRoot(n) ** 2n === n

/**
 * Are two factors of the odd number so close to each other (or equal) that Fermat's method finds them within so many
 * rounds? Good primes of 1024 bits would need more than 2^1000 rounds.
 */
export function hasCloseFactors(n: bigint, rounds = 100): boolean {
  const floor = squareRoot(n)
  let middle = floor * floor === n ? floor : floor + 1n
  for (let round = 0; round < rounds; round++) {
    if (isSquare(middle * middle - n)) return true
    middle += 1n
  }
  return false
}
