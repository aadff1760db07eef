# Prints answers that depend on integer, floating-point, string, hash and regular-expression code.
use strict;
use warnings;

my @sieve = (1) x 20001;
my ($count, $sum) = (0, 0);
for my $n (2 .. 20000) {
  next unless $sieve[$n];
  $count++;
  $sum += $n;
  for (my $m = $n * $n; $m <= 20000; $m += $n) { $sieve[$m] = 0; }
}
print "primes $count $sum\n";

my $pi = 0;
$pi += (($_ % 2) ? -4 : 4) / (2 * $_ + 1) for 0 .. 50000;
printf "pi %.15f\n", $pi;
printf "exp %.12e sin %.15f atan2 %.15f sqrt %.15f\n", exp(3.7), sin(1e5), atan2(1, 3), sqrt(2);

my %words;
my $text = join ' ', map { ($_ * 7919) % 1009 } 1 .. 20000;
$words{$_}++ for split / /, $text;
my @order = sort { $words{$b} <=> $words{$a} || $a <=> $b } keys %words;
print "words ", scalar(@order), " $order[0] $words{$order[0]} $order[-1]\n";
(my $changed = $text) =~ s/(\d)(\d+)/$2$1/g;
print "swapped ", substr($changed, 0, 40), "\n";
print "checksum ", unpack('%32C*', $changed), " ", unpack('H*', pack('N*', 3735928559, 1)), "\n";

my $pid = fork();
if ($pid == 0) { exit 7; }
waitpid $pid, 0;
print "child ", $? >> 8, "\n";
