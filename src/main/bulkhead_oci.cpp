// The program bulkhead-oci: containers as the OCI runtime specification says.
#include "container/cli/command.h"

int main(int argc, char** argv) {
  return bh::container::run_program(argc, argv);
}
