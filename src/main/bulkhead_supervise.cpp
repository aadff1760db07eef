// The program bulkhead-supervise: one process, one machine that is kept.
#include "machine/supervise/program.h"

int main(int argc, char** argv) {
  return bh::machine::supervise(argc, argv);
}
